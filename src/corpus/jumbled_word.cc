#include "wakebuilder/corpus/jumbled_word.h"

#include <cmath>
#include <cstddef>

#include "wakebuilder/speech/near_words.h"

namespace wakebuilder::corpus {
namespace {

constexpr double kFirstCut = 0.35;
constexpr double kLastCut = 0.65;

/// Which of `count` comes where, in a word that is cut before `middle`.
std::vector<std::size_t> positions(std::size_t count, std::size_t middle, Order order) {
  std::vector<std::size_t> positions;
  const auto append = [&](std::size_t begin, std::size_t end, bool is_backwards) {
    for (std::size_t i = begin; i < end; ++i)
      positions.push_back(is_backwards ? begin + end - 1 - i : i);
  };
  switch (order) {
    case Order::kBackwards:
      append(0, count, true);
      break;
    case Order::kFirstHalfBackwards:
      append(0, middle, true);
      append(middle, count, false);
      break;
    case Order::kSecondHalfBackwards:
      append(0, middle, false);
      append(middle, count, true);
      break;
    case Order::kHalvesSwapped:
      append(middle, count, false);
      append(0, middle, false);
      break;
  }
  return positions;
}

bool is_unlike(std::span<const speech::Phoneme> word, Order order) {
  const auto count = static_cast<double>(word.size());
  const auto last = static_cast<std::size_t>(std::lround(kLastCut * count));
  for (auto middle = static_cast<std::size_t>(std::lround(kFirstCut * count)); middle <= last;
       ++middle) {
    speech::Pronunciation other;
    for (const std::size_t i : positions(word.size(), middle, order)) other.push_back(word[i]);
    if (speech::distance(other, word) < speech::kCarefulDistance * count) return false;
  }
  return true;
}

}  // namespace

std::vector<Order> orders_unlike(std::span<const speech::Phoneme> word) {
  std::vector<Order> orders;
  for (const Order order : {Order::kBackwards, Order::kFirstHalfBackwards,
                            Order::kSecondHalfBackwards, Order::kHalvesSwapped})
    if (is_unlike(word, order)) orders.push_back(order);
  return orders;
}

Frames jumbled(const Frames& word, Order order, Random& random) {
  const std::size_t count = word.size() / kBins;
  const auto middle =
      static_cast<std::size_t>(static_cast<double>(count) * random.uniform(kFirstCut, kLastCut));
  Frames piece;
  piece.reserve(word.size());
  for (const std::size_t t : positions(count, middle, order)) {
    const auto row = std::span(word).subspan(t * kBins, kBins);
    piece.insert(piece.end(), row.begin(), row.end());
  }
  return piece;
}

}  // namespace wakebuilder::corpus
