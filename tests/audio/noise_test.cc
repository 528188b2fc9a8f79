#include "wakebuilder/audio/noise.h"

#include <cmath>
#include <numbers>
#include <random>

#include <gtest/gtest.h>

namespace wakebuilder::audio {
namespace {

std::vector<float> constant(std::size_t pieces, float value) {
  return std::vector<float>(pieces * 400, value);
}

TEST(SpeechLevel, LeavesOutWhatIs25DbBelowTheLoudest) {
  auto samples = constant(3, 0.5F);
  const auto quiet = constant(5, 0.02F);  // 28 dB below
  samples.insert(samples.end(), quiet.begin(), quiet.end());
  EXPECT_NEAR(speech_level(samples).active_rms, 0.5, 1e-6);
  const auto soft = constant(3, 0.1F);  // 14 dB below: counts
  samples.insert(samples.end(), soft.begin(), soft.end());
  EXPECT_NEAR(speech_level(samples).active_rms, std::sqrt((0.25 + 0.01) / 2), 1e-6);
}

TEST(SpeechLevel, TakesTheFloorBetweenNeighboursAsNumpy) {
  // 21 pieces: the 5th percentile is the second of them in order.
  auto samples = constant(1, 0.001F);
  const auto second = constant(1, 0.002F);
  const auto loud = constant(19, 0.5F);
  samples.insert(samples.end(), second.begin(), second.end());
  samples.insert(samples.end(), loud.begin(), loud.end());
  EXPECT_NEAR(speech_level(samples).floor_rms, 0.002, 1e-8);
}

TEST(SpeechLevel, KeepsTheFloor40DbBelowTheSpeech) {
  EXPECT_NEAR(speech_level(constant(20, 0.5F)).floor_rms, 0.005, 1e-7);
}

TEST(SpeechLevel, OfSilenceIsSmallButNotNothing) {
  const auto level = speech_level(constant(4, 0));
  EXPECT_NEAR(level.active_rms, 1e-6, 1e-12);
  EXPECT_EQ(level.floor_rms, 1e-5);
  EXPECT_EQ(level.peak, 0);
}

TEST(SpeechLevel, DoesNotDependOnThePieces) {
  std::vector<float> samples(4321);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = std::sin(static_cast<float>(i) * 0.1F) * static_cast<float>(i) / 5000;
  SpeechLevelMeter meter;
  for (std::size_t i = 0; i < samples.size(); i += 7)
    meter.add(std::span(samples).subspan(i, std::min<std::size_t>(7, samples.size() - i)));
  EXPECT_EQ(meter.level().active_rms, speech_level(samples).active_rms);
  EXPECT_EQ(meter.level().floor_rms, speech_level(samples).floor_rms);
  EXPECT_EQ(meter.level().peak, speech_level(samples).peak);
}

/// The gain of the filter at a frequency in dB: of a long sine, its settled part.
double gain_db(double hz) {
  std::vector<float> samples(64'000);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] =
        static_cast<float>(std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / 16'000));
  make_pink(samples);
  double energy = 0;
  for (std::size_t i = 32'000; i < samples.size(); ++i)
    energy += static_cast<double>(samples[i]) * static_cast<double>(samples[i]);
  return 10 * std::log10(energy / 16'000);
}

TEST(PinkNoise, FallsByThreeDecibelsPerOctave) {
  // The filter's poles are rounded: a few tenths.
  for (const double hz : {62.5, 125.0, 250.0, 500.0, 1000.0, 2000.0})
    EXPECT_NEAR(gain_db(hz) - gain_db(2 * hz), 3.01, 0.3) << hz;
}

TEST(NormaliseRms, MakesOneAndLeavesSilence) {
  std::vector<float> samples = {3, -3, 3, -3};
  normalise_rms(samples);
  EXPECT_FLOAT_EQ(samples[1], -1);
  std::vector<float> silence(4);
  normalise_rms(silence);
  EXPECT_EQ(silence, std::vector<float>(4));
}

}  // namespace
}  // namespace wakebuilder::audio
