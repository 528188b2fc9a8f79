#include "wakebuilder/audio/spectrogram.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/audio/mel_filters.h"

#include "support/matchers.h"

namespace wakebuilder::audio {
namespace {

using testing::StartsWith;
using wakebuilder::test::HasError;
using wakebuilder::test::IsOk;

std::uint32_t number_at(const std::string& png, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i)
    number = number << 8U | static_cast<unsigned char>(png[at + i]);
  return number;
}

TEST(Spectrogram, IsAPngThatGrowsWithTime) {
  std::uint32_t before = 0;
  for (const std::size_t frames : {1U, 100U, 1024U, 6000U}) {
    const auto png = spectrogram_png(std::vector<float>(frames * kMelBins, 0.5F));
    ASSERT_THAT(png, IsOk());
    EXPECT_THAT(*png, StartsWith("\x89PNG\r\n\x1a\n"));
    EXPECT_GT(number_at(*png, 16), before);             // width
    EXPECT_EQ(number_at(*png, 20), 20 + 3 * 128 + 40);  // height
    before = number_at(*png, 16);
  }
}

TEST(Spectrogram, IsTheSameForTheSameSound) {
  const std::vector<float> features(10 * kMelBins, -1.0F);
  EXPECT_EQ(spectrogram_png(features), spectrogram_png(features));
}

TEST(Spectrogram, RefusesMoreThanAMinute) {
  EXPECT_THAT(spectrogram_png(std::vector<float>(6001 * kMelBins)),
              HasError(ErrorCode::kUnsupported, "at most 6000 frames, found 6001"));
  EXPECT_THAT(spectrogram_tile_png(std::vector<float>(6001 * kMelBins)),
              HasError(ErrorCode::kUnsupported, "at most 6000 frames, found 6001"));
}

TEST(SpectrogramTile, HasAPixelForEachNumber) {
  const auto png = spectrogram_tile_png(std::vector<float>(160 * kMelBins, 0.5F));
  ASSERT_THAT(png, IsOk());
  EXPECT_EQ(number_at(*png, 16), 160U);
  EXPECT_EQ(number_at(*png, 20), 128U);
}

TEST(SpectrogramTile, IsAllDarkForSilence) {
  const auto tile = [](float value) {
    return spectrogram_tile_png(std::vector<float>(10 * kMelBins, value));
  };
  EXPECT_EQ(tile(static_cast<float>(kLogMelFloor)), tile(-100.0F));
  EXPECT_NE(tile(static_cast<float>(kLogMelFloor)), tile(0.0F));
  EXPECT_EQ(tile(0.0F), tile(5.0F));  // as loud as the loudest
}

}  // namespace
}  // namespace wakebuilder::audio
