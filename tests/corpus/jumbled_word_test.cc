#include "wakebuilder/corpus/jumbled_word.h"

#include <algorithm>
#include <string_view>

#include <gtest/gtest.h>

namespace wakebuilder::corpus {
namespace {

using enum Order;

std::vector<Order> orders_of(std::string_view phonemes) {
  return orders_unlike(speech::parse_pronunciation(phonemes).value());
}

TEST(JumbledWord, HasNoOrderThatSaysTheWord) {
  EXPECT_EQ(orders_of("K AH M P Y UW T ER"),
            (std::vector{kBackwards, kFirstHalfBackwards, kSecondHalfBackwards, kHalvesSwapped}));
  EXPECT_EQ(orders_of("B AA B"), std::vector{kHalvesSwapped});  // the same backwards
  const auto mama = orders_of("M AA M AA");                     // says something twice
  EXPECT_EQ(std::ranges::count(mama, kHalvesSwapped), 0);
  EXPECT_TRUE(orders_of("OW").empty());
}

/// Each frame has a value of its own, so that one sees which came where.
Frames ramp(std::size_t frames) {
  Frames result;
  for (std::size_t t = 0; t < frames; ++t)
    result.insert(result.end(), kBins, static_cast<float>(t));
  return result;
}

/// How often the value falls from one frame to the next.
std::size_t falls(const Frames& frames) {
  std::size_t count = 0;
  for (std::size_t i = kBins; i < frames.size(); i += kBins)
    count += frames[i] < frames[i - kBins] ? 1U : 0U;
  return count;
}

TEST(JumbledWord, HasTheSameFramesInThatOrder) {
  Random random(1);
  const Frames word = ramp(100);
  for (int i = 0; i < 50; ++i) {
    for (const Order order : {kBackwards, kFirstHalfBackwards, kSecondHalfBackwards}) {
      Frames piece = jumbled(word, order, random);
      const std::size_t backwards = falls(piece);
      if (order == kBackwards) {
        EXPECT_EQ(backwards, 99U);
      } else {
        EXPECT_NEAR(static_cast<double>(backwards), 49, 16);
      }
      EXPECT_EQ(piece.front() > 0, order != kSecondHalfBackwards);
      std::ranges::sort(piece);
      EXPECT_EQ(piece, word);
    }
    const Frames swapped = jumbled(word, kHalvesSwapped, random);
    EXPECT_EQ(falls(swapped), 1U);
    EXPECT_NEAR(swapped.front(), 50, 15);
  }
}

}  // namespace
}  // namespace wakebuilder::corpus
