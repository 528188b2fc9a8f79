#include "wakebuilder/corpus/clip.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace wakebuilder::corpus {
namespace {

/// `silence` samples, a tone of half a second, and silence again.
std::vector<float> tone_between(std::size_t silence, float amplitude) {
  std::vector<float> samples(2 * silence + 8000);
  for (std::size_t i = 0; i < 8000; ++i)
    samples[silence + i] =
        amplitude *
        static_cast<float>(std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 16000));
  return samples;
}

double rms(const std::vector<float>& samples) {
  double sum = 0;
  for (const float sample : samples) sum += static_cast<double>(sample * sample);
  return std::sqrt(sum / static_cast<double>(samples.size()));
}

TEST(Trimmed, CutsSilentEndsButThirtyMilliseconds) {
  const auto clip = trimmed(tone_between(16000, 0.3F));
  ASSERT_TRUE(clip.has_value());
  EXPECT_EQ(clip->size(), 8000U + 2 * 480);
  EXPECT_EQ((*clip)[479], 0);
  EXPECT_NE((*clip)[482], 0);
}

TEST(Trimmed, BringsWhatIsSaidToOneLevel) {
  for (const float amplitude : {0.01F, 0.3F, 1.0F}) {
    const auto clip = trimmed(tone_between(0, amplitude));
    ASSERT_TRUE(clip.has_value());
    EXPECT_NEAR(rms(*clip), kClipLevel, 1e-3) << amplitude;
  }
}

TEST(Trimmed, HasNothingOfSilenceAndOfAClick) {
  EXPECT_FALSE(trimmed(std::vector<float>(16000)).has_value());
  EXPECT_FALSE(trimmed(std::vector<float>(1599, 0.5F)).has_value());
  EXPECT_FALSE(trimmed({}).has_value());
}

TEST(LogMel, HasAFrameForEachTenMillisecondsThatAreWhole) {
  EXPECT_EQ(log_mel(std::vector<float>(16000, 0.1F)).size(), 98 * kBins);
  EXPECT_TRUE(log_mel(std::vector<float>(399)).empty());
}

}  // namespace
}  // namespace wakebuilder::corpus
