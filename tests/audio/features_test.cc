#include "wakebuilder/audio/features.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/audio/reader.h"

#include "audio/mel_kernel.h"
#include "audio/sound.h"
#include "support/matchers.h"

namespace wakebuilder::audio {
namespace {

using test::noise;
using wakebuilder::test::HasError;
using wakebuilder::test::IsOk;

constexpr FeatureOptions kAudioSet{};
constexpr FeatureOptions kSpeechCommands{.frames = 128, .mean = -6.845978, .std = 5.5654526};

Features extract(std::span<const float> samples, const FeatureOptions& options = kAudioSet) {
  const auto extractor = FeatureExtractor::create(options);
  EXPECT_THAT(extractor, IsOk());
  auto features = extractor->extract(samples);
  EXPECT_THAT(features, IsOk());
  return *std::move(features);
}

/// Largest difference from the formula in double; rows behind the golden ones are padding.
double distance(const Features& got, const std::vector<double>& fbank,
                const FeatureOptions& options) {
  double largest = 0;
  for (std::size_t i = 0; i < got.values.size(); ++i) {
    const double log_mel = i < fbank.size() ? fbank[i] : 0.0;
    const double want = (log_mel - options.mean) / (2.0 * options.std);
    largest = std::max(largest, std::abs(static_cast<double>(got.values[i]) - want));
  }
  return largest;
}

class GoldenFeatures : public testing::TestWithParam<std::string> {};

/// 2.4e-7 is half a unit in the last place of values below 4, and no value is beyond.
TEST_P(GoldenFeatures, AreTheFormulaInDoubleToTheLastBitOfAFloat) {
  const auto samples = load_audio(test::data(GetParam() + ".wav"));
  ASSERT_THAT(samples, IsOk());
  const auto fbank = test::numbers<double>(GetParam() + ".f64");
  ASSERT_EQ(fbank.size(), frame_count(samples->size()) * kMelBins);
  for (const auto& options : {kAudioSet, kSpeechCommands}) {
    const auto features = extract(*samples, options);
    EXPECT_EQ(features.frames, options.frames);
    EXPECT_EQ(features.values.size(), options.frames * kMelBins);
    EXPECT_EQ(features.valid_frames, std::min(options.frames, frame_count(samples->size())));
    EXPECT_LE(distance(features, fbank, options), 2.4e-7);
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenFeatures,
                         testing::Values("chirp", "human_computer_community", "dc_tone",
                                         "one_frame_400", "one_frame_401", "two_frames_560"),
                         [](const auto& instance) { return instance.param; });

TEST(FeatureExtractor, GivesTheFloorForSilence) {
  const auto features = extract(*load_audio(test::data("silence.wav")), {.normalise = false});
  EXPECT_EQ(features.valid_frames, 98U);
  EXPECT_TRUE(std::all_of(features.values.begin(), features.values.begin() + 98 * 128,
                          [](float value) { return value == -15.942385F; }));
  EXPECT_TRUE(std::all_of(features.values.begin() + 98 * 128, features.values.end(),
                          [](float value) { return value == 0.0F; }));
}

/// The values in transformers' own output.
TEST(FeatureExtractor, PadsWithZerosThatAreNormalisedToo) {
  EXPECT_FLOAT_EQ(FeatureExtractor::create(kAudioSet)->pad_value(), 0.46703237295150757F);
  EXPECT_FLOAT_EQ(FeatureExtractor::create(kSpeechCommands)->pad_value(), 0.6150423F);
  EXPECT_EQ(FeatureExtractor::create({.normalise = false})->pad_value(), 0.0F);
  const auto features = extract(noise(400));
  EXPECT_EQ(features.valid_frames, 1U);
  EXPECT_FLOAT_EQ(features.values[128], 0.46703237295150757F);
  EXPECT_FLOAT_EQ(features.values.back(), 0.46703237295150757F);
}

TEST(FeatureExtractor, CutsWhatIsLonger) {
  const auto sound = noise(32000);
  const auto all = extract(sound, {.frames = 198});
  const auto some = extract(sound, {.frames = 10});
  EXPECT_EQ(some.valid_frames, 10U);
  EXPECT_TRUE(std::equal(some.values.begin(), some.values.end(), all.values.begin()));
}

TEST(FeatureExtractor, RefusesLessThanAFrame) {
  const auto extractor = FeatureExtractor::create({});
  for (const std::size_t count : {0U, 1U, 399U}) {
    EXPECT_THAT(extractor->extract(noise(count)),
                HasError(ErrorCode::kInvalidArgument,
                         "expected at least 400 samples (25 ms at 16 kHz), found " +
                             std::to_string(count)));
  }
}

TEST(FeatureExtractor, RefusesWhatIsNoNumber) {
  auto sound = noise(16000);
  sound[8000] = std::nanf("");
  EXPECT_THAT(FeatureExtractor::create({})->extract(sound),
              HasError(ErrorCode::kInvalidArgument, "the sample at 0.500 s is NaN"));
}

TEST(FeatureExtractor, StaysFiniteForTheLargestSamples) {
  auto sound = noise(1600);
  for (float& sample : sound) sample = std::copysign(std::numeric_limits<float>::max(), sample);
  const auto features = extract(sound);
  EXPECT_TRUE(
      std::ranges::all_of(features.values, [](float value) { return std::isfinite(value); }));
}

TEST(FeatureOptions, AreChecked) {
  EXPECT_THAT(check({.frames = 0}),
              HasError(ErrorCode::kInvalidArgument, "frames: expected 1 to 360000, found 0"));
  EXPECT_THAT(check({.mean = std::nan("")}),
              HasError(ErrorCode::kInvalidArgument, "mean: expected -1000 to 1000, found nan"));
  EXPECT_THAT(check({.std = 0}),
              HasError(ErrorCode::kInvalidArgument, "std: expected 1e-06 to 1000, found 0"));
  EXPECT_THAT(check({.std = -1}), HasError(ErrorCode::kInvalidArgument, "std: "));
}

// ---- streams ----

TEST(FeatureStream, GivesTheSameBitsHoweverTheSoundIsCut) {
  const auto sound = noise(20000);
  const auto want = extract(sound, {.frames = frame_count(sound.size())});
  std::uint32_t seed = 7;
  for (const std::size_t largest : {1U, 3U, 160U, 399U, 401U, 1000U, 2560U, 2561U, 20000U}) {
    FeatureStream stream(kAudioSet);
    std::vector<float> got;
    for (std::size_t at = 0; at < sound.size();) {
      seed = seed * 1664525U + 1013904223U;
      const std::size_t size = std::min<std::size_t>(1 + (seed >> 8U) % largest, sound.size() - at);
      ASSERT_THAT(stream.push(std::span(sound).subspan(at, size), got), IsOk());
      at += size;
    }
    EXPECT_EQ(got, want.values) << largest;
    EXPECT_EQ(stream.frames(), want.frames);
    EXPECT_EQ(stream.samples(), sound.size());
  }
}

TEST(FeatureStream, GivesAFrameAsSoonAsItsSamplesAreThere) {
  const auto sound = noise(720);
  FeatureStream stream(kAudioSet);
  std::vector<float> got;
  ASSERT_THAT(stream.push(std::span(sound).first(399), got), IsOk());
  EXPECT_EQ(got.size(), 0U);
  ASSERT_THAT(stream.push(std::span(sound).subspan(399, 1), got), IsOk());
  EXPECT_EQ(got.size(), 128U);
  ASSERT_THAT(stream.push(std::span(sound).subspan(400), got), IsOk());
  EXPECT_EQ(got.size(), 3 * 128U);
}

TEST(FeatureStream, BeginsAnewAfterReset) {
  const auto sound = noise(1000);
  FeatureStream stream(kAudioSet);
  std::vector<float> first;
  std::vector<float> second;
  ASSERT_THAT(stream.push(sound, first), IsOk());
  stream.reset();
  ASSERT_THAT(stream.push(sound, second), IsOk());
  EXPECT_EQ(first, second);
}

TEST(FeatureStream, SaysWhereANumberIsMissing) {
  FeatureStream stream(kAudioSet);
  std::vector<float> out;
  ASSERT_THAT(stream.push(noise(16000), out), IsOk());
  const std::vector<float> bad = {0.0F, -std::numeric_limits<float>::infinity()};
  EXPECT_THAT(stream.push(bad, out),
              HasError(ErrorCode::kInvalidArgument, "the sample at 1.000 s is infinite"));
  EXPECT_EQ(stream.samples(), 16000U);
}

// ---- the arithmetic ----

TEST(MelKernels, GiveTheSameBits) {
  const auto sound = noise(7 * kFrameShift + kFrameLength);
  std::vector<float> want;
  for (const MelKernel& kernel : mel_kernels()) {
    std::vector<float> got(8 * kMelBins);
    for (std::size_t frame = 0; frame < 8; frame += kernel.frames) {
      kernel.run(mel_tables(), sound.data() + frame * kFrameShift, {-4.0, 0.1},
                 got.data() + frame * kMelBins);
    }
    if (want.empty()) want = got;
    EXPECT_EQ(got, want) << kernel.name;
  }
}

TEST(MelKernels, DoNotMixFrames) {
  const auto sound = noise(7 * kFrameShift + kFrameLength);
  for (const MelKernel& kernel : mel_kernels()) {
    std::vector<float> rows(kernel.frames * kMelBins);
    kernel.run(mel_tables(), sound.data(), {}, rows.data());
    auto other = sound;  // another last frame
    const std::size_t last = (kernel.frames - 1) * kFrameShift + kFrameLength;
    for (std::size_t i = last - kFrameShift; i < last; ++i) other[i] = 1e6F;
    std::vector<float> changed(rows.size());
    kernel.run(mel_tables(), other.data(), {}, changed.data());
    const auto border = static_cast<std::ptrdiff_t>((kernel.frames - 1) * kMelBins);
    EXPECT_TRUE(std::equal(rows.begin(), rows.begin() + border, changed.begin())) << kernel.name;
    EXPECT_FALSE(std::equal(rows.begin(), rows.end(), changed.begin())) << kernel.name;
  }
}

TEST(MelKernels, TakeLogarithmsWithin3e11) {
  std::vector<double> values;
  for (double value = kMelFloor; value < 1e80; value *= 1.0007) values.push_back(value);
  for (const double value :
       {1.0, 2.0, 0.5, std::sqrt(0.5), std::sqrt(2.0), std::nextafter(1.0, 0.0)})
    values.push_back(value);
  const auto logs = kernel_log(values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_NEAR(logs[i], std::log(values[i]), 3e-11) << values[i];
  }
}

// ---- preprocessor_config.json ----

constexpr const char* kPublishedSpeechCommands = R"({
  "do_normalize": true,
  "feature_extractor_type": "ASTFeatureExtractor",
  "feature_size": 1,
  "max_length": 128,
  "mean": -6.845978,
  "num_mel_bins": 128,
  "padding_side": "right",
  "padding_value": 0.0,
  "return_attention_mask": false,
  "sampling_rate": 16000,
  "std": 5.5654526
})";

constexpr const char* kPublishedAudioSet = R"({
  "do_normalize": true,
  "feature_extractor_type": "ASTFeatureExtractor",
  "feature_size": 1,
  "max_length": 1024,
  "mean": -4.2677393,
  "num_mel_bins": 128,
  "padding_side": "right",
  "padding_value": 0.0,
  "return_attention_mask": false,
  "sampling_rate": 16000,
  "std": 4.5689974
})";

TEST(Preprocessor, ReadsThePublishedModels) {
  EXPECT_EQ(parse_preprocessor(kPublishedSpeechCommands), kSpeechCommands);
  EXPECT_EQ(parse_preprocessor(kPublishedAudioSet), kAudioSet);
}

TEST(Preprocessor, HasTransformersDefaults) {
  EXPECT_EQ(parse_preprocessor("{}"), kAudioSet);
  EXPECT_EQ(parse_preprocessor(R"({"do_normalize": false, "newer": 1})"),
            (FeatureOptions{.normalise = false}));
}

struct BadSettings {
  std::string name;
  std::string json;
  ErrorCode code;
  std::string sentence;
};

void PrintTo(const BadSettings& bad, std::ostream* out) { *out << bad.name; }

class BadPreprocessor : public testing::TestWithParam<BadSettings> {};

TEST_P(BadPreprocessor, IsRefused) {
  EXPECT_THAT(parse_preprocessor(GetParam().json), HasError(GetParam().code, GetParam().sentence));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadPreprocessor,
    testing::Values(
        BadSettings{"Rate", R"({"sampling_rate": 8000})", ErrorCode::kUnsupported,
                    "sampling_rate: expected 16000, found 8000"},
        BadSettings{"Bins", R"({"num_mel_bins": 80})", ErrorCode::kUnsupported,
                    "num_mel_bins: expected 128, found 80"},
        BadSettings{"Size", R"({"feature_size": 2})", ErrorCode::kUnsupported,
                    "feature_size: expected 1, found 2"},
        BadSettings{"Type", R"({"feature_extractor_type": "WhisperFeatureExtractor"})",
                    ErrorCode::kUnsupported,
                    "feature_extractor_type: expected \"ASTFeatureExtractor\", found "
                    "\"WhisperFeatureExtractor\""},
        BadSettings{"PaddingValue", R"({"padding_value": 1.0})", ErrorCode::kUnsupported,
                    "padding_value: expected 0, found 1.0"},
        BadSettings{"PaddingSide", R"({"padding_side": "left"})", ErrorCode::kUnsupported,
                    "padding_side: expected \"right\", found \"left\""},
        BadSettings{"Flag", R"({"do_normalize": 1})", ErrorCode::kUnsupported,
                    "do_normalize: expected true or false, found 1"},
        BadSettings{"Mean", R"({"mean": "low"})", ErrorCode::kUnsupported,
                    "mean: expected a number, found \"low\""},
        BadSettings{"Std", R"({"std": 0})", ErrorCode::kInvalidArgument, "std: expected"},
        BadSettings{"Frames", R"({"max_length": 10.5})", ErrorCode::kUnsupported,
                    "max_length: expected 1 to 360000, found 10.5"},
        BadSettings{"ManyFrames", R"({"max_length": 1000000000000})", ErrorCode::kInvalidArgument,
                    "frames: expected 1 to 360000, found 1000000000000"},
        BadSettings{"NoObject", "[1]", ErrorCode::kCorrupt, "expected a JSON object, found list"},
        BadSettings{"NoJson", "{", ErrorCode::kCorrupt, ""}),
    [](const auto& instance) { return instance.param.name; });

TEST(Preprocessor, NamesTheFile) {
  const wakebuilder::test::TemporaryFolder folder;
  wakebuilder::test::write(folder / "p.json", R"({"num_mel_bins": 80})");
  EXPECT_THAT(read_preprocessor(folder / "p.json"),
              HasError(ErrorCode::kUnsupported, "p.json: num_mel_bins: expected 128, found 80"));
  EXPECT_THAT(read_preprocessor(folder / "none.json"), HasError(ErrorCode::kNotFound, "none.json"));
}

}  // namespace
}  // namespace wakebuilder::audio
