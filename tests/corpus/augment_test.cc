#include "wakebuilder/corpus/augment.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "wakebuilder/audio/mel_filters.h"

namespace wakebuilder::corpus {
namespace {

constexpr std::size_t kFrames = 160;

/// Nothing happens but what a test asks for.
AugmentOptions nothing() {
  return {.tract = 0,
          .wiggle = 0,
          .smoothed = 0,
          .jitter = 0,
          .reverberant = 0,
          .equaliser_db = 0,
          .tilt_db = 0,
          .gain_db = {0, 0},
          .noisy = 1,
          .second = 0,
          .mask_bins = 0,
          .mask_frames = 0,
          .cut = 0};
}

std::vector<float> window(float value) { return std::vector<float>(kFrames * kBins, value); }

double mean(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

TEST(Augmenter, LeavesALoudWindowAsItIsWhenNothingIsAskedFor) {
  const Augmenter augmenter({}, nothing());
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    auto x = window(3);
    augmenter.augment(x, random);
    // Band limits remain: bins between 350 and 2800 Hz are never touched.
    for (std::size_t t = 0; t < kFrames; ++t)
      for (std::size_t bin = 25; bin < 75; ++bin) EXPECT_NEAR(x[t * kBins + bin], 3, 1e-4);
  }
}

TEST(Augmenter, AddsNoiseAtTheLevelThatIsWanted) {
  AugmentOptions options = nothing();
  options.noise_db = {10, 10};
  const std::vector<Frames> noises = {Frames(400 * kBins, 2.0F)};
  const Augmenter augmenter(noises, options);
  double sum = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    auto x = window(-12);
    augmenter.augment(x, random);
    for (std::size_t bin = 25; bin < 75; ++bin) sum += static_cast<double>(x[bin]) / 50;
  }
  // The noise's 2, 10 dB lower: 2 - 2.303; the level over frequency varies by 3 dB.
  EXPECT_NEAR(sum / 60, 2 - 2.303, 0.3);
}

TEST(Augmenter, ReverberationIsATailOfPowerBehindASound) {
  AugmentOptions options = nothing();
  options.reverberant = 1;
  options.decay_s = {0.5, 0.5};
  options.direct_db = {0, 0};
  const Augmenter augmenter({}, options);
  Random random(1);
  auto x = window(-30);
  std::fill_n(x.begin() + 20 * static_cast<std::ptrdiff_t>(kBins), kBins, 4.0F);
  augmenter.augment(x, random);
  constexpr std::size_t kBin = 50;
  const auto power = [&](std::size_t t) {
    return std::exp(static_cast<double>(x[t * kBins + kBin]));
  };
  EXPECT_LT(power(19), 1e-3);
  EXPECT_NEAR(power(20), std::exp(4.0), 0.01);
  double tail = 0;
  for (std::size_t t = 21; t < kFrames; ++t) tail += power(t);
  EXPECT_NEAR(tail / power(20), 1, 0.05);                            // direct to reverberant: 0 dB
  EXPECT_NEAR(std::log(power(31) / power(21)), -13.8155 / 5, 0.02);  // a fifth of T60
}

TEST(Augmenter, WarpsFrequencies) {
  AugmentOptions options = nothing();
  options.tract = 0.16;
  options.tract_share = 1;
  const Augmenter augmenter({}, options);
  std::size_t moved = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    auto x = window(0);
    for (std::size_t t = 0; t < kFrames; ++t) x[t * kBins + 60] = 8;
    augmenter.augment(x, random);
    const auto peak = std::max_element(x.begin() + 20, x.begin() + 110) - x.begin();
    EXPECT_NEAR(static_cast<double>(peak), 60, 12);
    moved += peak != 60 ? 1U : 0U;
  }
  EXPECT_GT(moved, 14U);
}

TEST(Augmenter, GivesNumbersThatFeaturesCanHave) {
  const std::vector<Frames> noises = {Frames(300 * kBins, 1.0F)};
  const Augmenter augmenter(noises, {});
  std::vector<double> means;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    auto x = window(static_cast<float>(audio::kLogMelFloor));
    augmenter.augment(x, random);
    for (const float value : x) {
      ASSERT_TRUE(std::isfinite(value));
      ASSERT_GE(value, static_cast<float>(audio::kLogMelFloor));
    }
    means.push_back(mean(x));
  }
  EXPECT_NE(means[0], means[1]);
}

TEST(Augmenter, EndsAWindowThatIsCutInDigitalSilence) {
  AugmentOptions options = nothing();
  options.cut = 1;
  auto frames = window(0);
  for (std::size_t t = 0; t < kFrames; ++t) frames[t * kBins] = static_cast<float>(t);
  Random random(4);
  Augmenter({}, options).augment(frames, random);
  const auto silent = static_cast<std::size_t>(
      std::count_if(frames.begin(), frames.end(), [](float x) { return x < -15; }));
  EXPECT_EQ(silent % kBins, 0U);
  EXPECT_GE(silent / kBins, 5U);
  EXPECT_LE(silent / kBins, 39U);
  EXPECT_NEAR(frames[0], static_cast<float>(silent / kBins), 1e-3);  // the first ones have left
  EXPECT_LT(frames.back(), -15);
  auto word = window(0);
  Augmenter({}, options).augment(word, random, 2);  // the word begins there
  EXPECT_EQ(std::count_if(word.begin(), word.end(), [](float x) { return x < -15; }), 2 * kBins);
}

TEST(Augmenter, IsTheSameForTheSameSeed) {
  const std::vector<Frames> noises = {Frames(300 * kBins, 1.0F)};
  const Augmenter augmenter(noises, {});
  Random first(4);
  Random second(4);
  auto a = window(0);
  auto b = window(0);
  augmenter.augment(a, first);
  augmenter.augment(b, second);
  EXPECT_EQ(a, b);
}

}  // namespace
}  // namespace wakebuilder::corpus
