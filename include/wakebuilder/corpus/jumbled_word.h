// The wake word in another order: its voice and its sounds, but not the word.
#pragma once

#include <span>
#include <vector>

#include "wakebuilder/corpus/pieces.h"
#include "wakebuilder/corpus/random.h"
#include "wakebuilder/speech/phonemes.h"

namespace wakebuilder::corpus {

enum class Order { kBackwards, kFirstHalfBackwards, kSecondHalfBackwards, kHalvesSwapped };

/// The orders in which a word does not sound like itself, wherever jumbled() cuts it: all four for
/// "computer", only kHalvesSwapped for "bob", none for "oh".
std::vector<Order> orders_unlike(std::span<const speech::Phoneme> word);

/// The frames of the word in this order; it is cut at 35 to 65 %.
Frames jumbled(const Frames& word, Order order, Random& random);

}  // namespace wakebuilder::corpus
