#include "wakebuilder/audio/mel_filters.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wakebuilder::audio {
namespace {

std::size_t weights_of(const std::vector<double>& filters, std::size_t mel_bin) {
  std::size_t count = 0;
  for (std::size_t k = 0; k < kFftBins; ++k) count += filters[k * kMelBins + mel_bin] > 0 ? 1U : 0U;
  return count;
}

TEST(MelFilters, HaveFiveHundredAndFourWeights) {
  const auto filters = mel_filters();
  ASSERT_EQ(filters.size(), 257U * 128U);
  EXPECT_EQ(std::ranges::count_if(filters, [](double weight) { return weight > 0; }), 504);
  EXPECT_TRUE(std::ranges::all_of(filters, [](double w) { return w >= 0 && w <= 1; }));
}

TEST(MelFilters, LeaveTheFourthEmpty) {
  const auto filters = mel_filters();
  EXPECT_EQ(weights_of(filters, 3), 0U);
  for (const std::size_t b : {0U, 1U, 2U, 4U, 5U, 6U}) EXPECT_EQ(weights_of(filters, b), 1U) << b;
}

TEST(MelFilters, GiveNothingToTheHighestFrequency) {
  const auto filters = mel_filters();
  EXPECT_TRUE(std::all_of(filters.end() - 128, filters.end(), [](double w) { return w == 0; }));
}

TEST(MelFilters, ShareEachBinBetweenTwoNeighbours) {
  const auto filters = mel_filters();
  // From the first centre to the last, rising and falling side add up to 1.
  for (std::size_t k = 3; k < 250; ++k) {
    double sum = 0;
    for (std::size_t b = 0; b < kMelBins; ++b) sum += filters[k * kMelBins + b];
    EXPECT_NEAR(sum, 1.0, 1e-12) << k;
  }
}

TEST(HannWindow, IsSymmetric) {
  const auto window = hann_window();
  ASSERT_EQ(window.size(), 400U);
  EXPECT_EQ(window[0], 0.0);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_NEAR(window[i], window[399 - i], 1e-15);
  EXPECT_NEAR(window[199], 0.5 - 0.5 * std::cos(2 * 3.141592653589793 * 199 / 399), 1e-15);
}

TEST(FrameCount, SnipsEdges) {
  EXPECT_EQ(frame_count(0), 0U);
  EXPECT_EQ(frame_count(399), 0U);
  EXPECT_EQ(frame_count(400), 1U);
  EXPECT_EQ(frame_count(559), 1U);
  EXPECT_EQ(frame_count(560), 2U);
  EXPECT_EQ(frame_count(163840), 1022U);
}

TEST(MelFloor, HasItsLogarithm) { EXPECT_DOUBLE_EQ(kLogMelFloor, std::log(kMelFloor)); }

}  // namespace
}  // namespace wakebuilder::audio
