// What is said, and by whom, so that a head can be trained from text alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/corpus/pieces.h"
#include "wakebuilder/speech/near_words.h"
#include "wakebuilder/speech/synthesiser.h"
#include "wakebuilder/speech/voice.h"

namespace wakebuilder::corpus {

/// One utterance, and what it will be a piece of.
struct Line {
  Piece piece;
  speech::Job job;
};

using Script = std::vector<Line>;

/// How much is said of what depends on the wake word (docs/training.md).
struct WordScriptOptions {
  std::size_t words = 2200;       ///< the wake word alone
  std::size_t phrases = 500;      ///< with other words around it
  std::size_t near_words = 3400;  ///< sound-alikes
  std::uint64_t seed = 0;
};

/// The wake word alone, in phrases, and its sound-alikes, by all voices: each group of voices has
/// its share, and within it each voice about the same. What a voice cannot be given is left out.
/// @param wake_word  as spoken_words() gives it; at least one phoneme
/// @pre at least one voice, else std::logic_error
/// Errors: kUnavailable when none of the voices can be given the word.
Result<Script> word_script(const std::string& text, std::span<const speech::SpokenWord> wake_word,
                           const speech::Dictionary& dictionary,
                           std::span<const speech::VoicePointer> voices,
                           const WordScriptOptions& options = {});

/// How much is said of what does not depend on the wake word.
struct CommonScriptOptions {
  std::size_t running = 4500;  ///< sentences, commands and strings of words
  std::size_t pseudo = 1750;   ///< strings of words that do not exist, by voices of other languages
  std::size_t isolated_words = 240;  ///< that lie far from one another
  std::size_t isolated_times = 50;   ///< each
  std::uint64_t seed = 0;
};

/// Running speech and single words, the same for every wake word.
/// @pre at least one voice, else std::logic_error
Script common_script(const speech::Dictionary& dictionary,
                     std::span<const speech::VoicePointer> voices,
                     const CommonScriptOptions& options = {});

/// True when a piece of common_script() holds something that sounds like the wake word: then it is
/// no negative of that word.
bool sounds_like(const Piece& piece, const speech::Dictionary& dictionary,
                 std::span<const speech::Phoneme> wake_word);

/// How often the voices of a group are drawn, as Bank::set_weight() takes it.
double usual_weight(speech::VoiceGroup group);

}  // namespace wakebuilder::corpus
