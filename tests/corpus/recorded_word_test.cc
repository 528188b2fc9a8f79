#include "wakebuilder/corpus/recorded_word.h"

#include <cmath>

#include <gtest/gtest.h>

#include "wakebuilder/corpus/random.h"

namespace wakebuilder::corpus {
namespace {

/// Frames of one value.
Frames flat(std::size_t frames, float value) { return Frames(frames * kBins, value); }

Frames operator+(Frames first, const Frames& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// Noise of a level in nepers: every number differs a little.
Frames noise(std::size_t frames, float level) {
  Random random(4);
  Frames result = flat(frames, level);
  for (float& value : result) value += static_cast<float>(0.3 * random.normal());
  return result;
}

std::size_t length(const Frames& frames) { return frames.size() / kBins; }

TEST(FindWord, CutsTheRoomAtBothEndsAndSubtractsIt) {
  const auto found = find_word(noise(80, -6) + flat(60, 0) + noise(60, -6));
  EXPECT_NEAR(static_cast<double>(length(found.frames)), 60 + 9, 2);
  EXPECT_EQ(found.loud_span, 60U);
  EXPECT_NEAR(found.frames[10 * kBins], 0, 0.02);          // the word stays
  EXPECT_NEAR(found.frames[0], -6 + std::log(0.01), 1.5);  // the room is 20 dB lower
}

TEST(FindWord, LeavesAWordWithoutARoomAsItIs) {
  const Frames silent = flat(50, -15.9F);
  const auto found = find_word(silent + flat(60, -1) + silent);
  EXPECT_EQ(length(found.frames), 69U);
  EXPECT_NEAR(found.frames[10 * kBins], -1, 1e-3);
}

TEST(FindWord, BridgesClosuresAndLeavesAClickOut) {
  const Frames room = noise(50, -7);
  const auto found =
      find_word(flat(2, -1) + room + flat(30, 0) + noise(20, -7) + flat(30, 0) + room);
  EXPECT_NEAR(static_cast<double>(length(found.frames)), 80 + 9, 2);
  EXPECT_EQ(found.loud_span, 2U + 50 + 80);
}

TEST(FindWord, OfALongStretchTakesTheLoudestWord) {
  const auto found = find_word(noise(50, -9) + flat(200, -4) + flat(60, 0) + flat(200, -4));
  EXPECT_NEAR(static_cast<double>(length(found.frames)), 60 + 9, 2);
}

TEST(FindWord, EndsForWhatNeverChanges) {
  EXPECT_EQ(length(find_word(flat(400, -2)).frames), 400U);
  EXPECT_EQ(length(find_word(flat(1, -2)).frames), 1U);
}

}  // namespace
}  // namespace wakebuilder::corpus
