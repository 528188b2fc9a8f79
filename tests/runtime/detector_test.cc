#include "wakebuilder/runtime/detector.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/listening_models.h"
#include "support/sanitizer.h"

namespace wakebuilder::runtime {
namespace {

using test::HasError;
using test::IsOk;
using test::largest_feature;
using test::listening;
using test::loudest_sample;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kSecond = 16'000;
constexpr double kEndOfFirst = (159 * 160 + 400) / 16'000.0;
constexpr double kHopSeconds = 0.16;

Detector detector_of(std::vector<std::string> models, const WakeOverrides& overrides = {},
                     const DetectorOptions& options = {}) {
  std::vector<WakeModel> opened;
  for (std::size_t i = 0; i < models.size(); ++i) {
    auto model = listening(models[i], "m" + std::to_string(i), overrides);
    EXPECT_THAT(model, IsOk());
    opened.push_back(*std::move(model));
  }
  auto detector = Detector::create(std::move(opened), options);
  EXPECT_THAT(detector, IsOk());
  return *std::move(detector);
}

/// Noise with a click of `level` at each of these samples.
std::vector<float> clicks(std::size_t samples, const std::vector<std::size_t>& at,
                          float level = 0.9F) {
  std::minstd_rand random(7);
  std::vector<float> sound(samples);
  for (float& sample : sound)
    sample = static_cast<float>(random()) / static_cast<float>(std::minstd_rand::max()) * 0.02F;
  for (const std::size_t i : at) sound[i] = level;
  return sound;
}

struct Heard {
  std::vector<Score> scores;
  std::vector<Detection> detections;
};

void append(Heard& heard, const Detector& detector, std::vector<Detection> detections) {
  heard.scores.insert(heard.scores.end(), detector.scores().begin(), detector.scores().end());
  std::ranges::move(detections, std::back_inserter(heard.detections));
}

/// Pushes pieces of sizes that `next_size` gives, then finishes.
template <class NextSize>
Heard hear(Detector& detector, std::span<const float> sound, NextSize next_size) {
  Heard heard;
  while (!sound.empty()) {
    const auto piece = sound.first(std::min(sound.size(), next_size()));
    sound = sound.subspan(piece.size());
    auto detections = detector.push(piece);
    EXPECT_THAT(detections, IsOk());
    append(heard, detector, *std::move(detections));
  }
  auto detections = detector.finish();
  EXPECT_THAT(detections, IsOk());
  append(heard, detector, *std::move(detections));
  return heard;
}

Heard hear(Detector& detector, std::span<const float> sound) {
  return hear(detector, sound, [&] { return sound.size(); });
}

std::vector<double> times(const Heard& heard) {
  std::vector<double> times;
  for (const Detection& detection : heard.detections) times.push_back(detection.time_s);
  return times;
}

TEST(Detector, GivesOneScorePerHopAtTheEndOfItsWindow) {
  Detector detector = detector_of({loudest_sample()}, {.smoothing = 1});
  const Heard heard = hear(detector, clicks(3 * kSecond, {}));
  // 3 s are 298 frames: windows begin at 0, 16, ..., 128.
  ASSERT_EQ(heard.scores.size(), 9U);
  for (std::size_t k = 0; k < heard.scores.size(); ++k) {
    EXPECT_EQ(heard.scores[k].hop, k);
    EXPECT_DOUBLE_EQ(heard.scores[k].time_s, kEndOfFirst + kHopSeconds * static_cast<double>(k));
  }
  EXPECT_THAT(heard.detections, IsEmpty());
}

TEST(Detector, HearsAClickInTheWindowsThatHoldItAndInNoOthers) {
  Detector detector = detector_of({loudest_sample()}, {.smoothing = 1});
  const std::size_t at = 4 * kSecond;
  const Heard heard = hear(detector, clicks(8 * kSecond, {at}));
  for (const Score& score : heard.scores) {
    const std::size_t begin = 2560 * score.hop;
    const bool holds = at >= begin && at < begin + 159 * 160 + 400;
    EXPECT_EQ(score.probability > 0.5, holds) << score.hop;
  }
}

/// A click stays in the window for ten hops: it is one detection, at the first of them.
TEST(Detector, DetectsAWordOnce) {
  Detector detector = detector_of({loudest_sample()}, {.smoothing = 1, .refractory_s = 0});
  const Heard heard = hear(detector, clicks(12 * kSecond, {4 * kSecond, 8 * kSecond}));
  // 4 s is first heard by the window that ends at 4.015 s, 8 s by that at 8.015 s.
  EXPECT_THAT(times(heard),
              ElementsAre(testing::DoubleNear(4.015, 1e-9), testing::DoubleNear(8.015, 1e-9)));
  EXPECT_EQ(heard.detections[0].model, "m0");
  EXPECT_GT(heard.detections[0].score, 0.9);
}

TEST(Detector, IsDeafForTheRefractoryTime) {
  Detector detector = detector_of({loudest_sample()}, {.smoothing = 1, .refractory_s = 5});
  const auto sound = clicks(16 * kSecond, {2 * kSecond, 4 * kSecond, 12 * kSecond});
  EXPECT_EQ(times(hear(detector, sound)).size(), 2U);
}

/// What begins while it is deaf and goes on is told when it is not any more.
TEST(Detector, TellsWhatIsStillThereAfterTheRefractoryTime) {
  Detector detector = detector_of({loudest_sample()}, {.smoothing = 1, .refractory_s = 5});
  std::vector<std::size_t> long_noise = {2 * kSecond};
  for (std::size_t i = 0; i < 40; ++i) long_noise.push_back(5 * kSecond + i * 2000);
  const Heard heard = hear(detector, clicks(16 * kSecond, long_noise));
  ASSERT_EQ(heard.detections.size(), 2U);
  EXPECT_NEAR(heard.detections[1].time_s - heard.detections[0].time_s, 5, 0.16);
}

/// 8 x - 4 for x = 0.02 and 0.9: logits of -3.84 and 3.2.
TEST(Detector, AveragesLogitsBeforeItCompares) {
  Detector detector = detector_of({loudest_sample()}, {.smoothing = 3});
  const Heard heard = hear(detector, clicks(8 * kSecond, {4 * kSecond}));
  const auto first = std::ranges::find_if(
      heard.scores, [](const Score& score) { return score.probability > 0.5; });
  ASSERT_NE(first, heard.scores.end());
  ASSERT_GE(first - heard.scores.begin(), 2);
  const auto logit = [](double p) { return std::log(p / (1 - p)); };
  const double mean = (logit((first - 2)->probability) + logit((first - 1)->probability) +
                       logit(first->probability)) /
                      3;
  EXPECT_NEAR(logit(first->smoothed), mean, 1e-9);
  EXPECT_LT(first->smoothed, 0.5);
  EXPECT_GT((first + 1)->smoothed, 0.2);
}

/// At the begin of a stream the mean is of what is there.
TEST(Detector, BeginsWithFewerScoresInTheMean) {
  Detector detector = detector_of({loudest_sample()}, {.smoothing = 3});
  const Heard heard = hear(detector, clicks(2 * kSecond, {100}));
  ASSERT_FALSE(heard.scores.empty());
  EXPECT_DOUBLE_EQ(heard.scores[0].smoothed, heard.scores[0].probability);
  EXPECT_THAT(times(heard), ElementsAre(kEndOfFirst));
}

TEST(Detector, PadsARecordingThatIsShorterThanAWindow) {
  for (const std::string& model : {loudest_sample(), largest_feature()}) {
    Detector detector = detector_of({model});
    const Heard heard = hear(detector, clicks(kSecond, {500}));
    ASSERT_EQ(heard.scores.size(), 1U);
    EXPECT_DOUBLE_EQ(heard.scores[0].time_s, kEndOfFirst);
  }
  Detector stream = detector_of({test::largest_of_two_hops()});
  EXPECT_EQ(hear(stream, clicks(2000, {500})).scores.size(), 1U);
}

TEST(Detector, SaysNothingOfSoundWithoutAFrame) {
  Detector detector = detector_of({loudest_sample(), largest_feature()});
  EXPECT_THAT(hear(detector, clicks(399, {})).scores, IsEmpty());
  Detector nothing = detector_of({loudest_sample()});
  EXPECT_THAT(hear(nothing, {}).scores, IsEmpty());
}

TEST(Detector, GivesTheSameForWholeWindowsAndAStream) {
  Detector stream = detector_of({test::largest_of_two_hops()});
  Detector windows = detector_of({largest_feature({{"window_frames", "32"}}, 32)});
  const auto sound = clicks(6 * kSecond, {2 * kSecond, 4 * kSecond});
  const Heard a = hear(stream, sound);
  const Heard b = hear(windows, sound);
  ASSERT_EQ(a.scores.size(), b.scores.size());
  for (std::size_t i = 0; i < a.scores.size(); ++i) {
    EXPECT_EQ(a.scores[i].time_s, b.scores[i].time_s);
    EXPECT_FLOAT_EQ(static_cast<float>(a.scores[i].probability),
                    static_cast<float>(b.scores[i].probability));
  }
}

/// No sample is lost or counted twice: whatever the pieces, the scores have the same bits.
TEST(Detector, DoesNotDependOnHowTheSoundIsCut) {
  const auto sound = clicks(7 * kSecond + 77, {kSecond, 5 * kSecond});
  const std::vector<std::string> models = {loudest_sample(), largest_feature(),
                                           test::largest_of_two_hops()};
  for (const std::optional<double> gate : {std::optional<double>(), std::optional<double>(-30)}) {
    Detector detector = detector_of(models, {}, {.gate_dbfs = gate});
    const Heard whole = hear(detector, sound);
    EXPECT_GT(whole.detections.size(), 2U);
    std::minstd_rand random(3);
    for (const std::size_t most : {1U, 7U, 160U, 161U, 400U, 2559U, 2561U, 30'000U}) {
      detector.reset();
      const Heard cut = hear(detector, sound, [&] { return 1 + random() % most; });
      ASSERT_EQ(cut.scores.size(), whole.scores.size());
      ASSERT_EQ(times(cut), times(whole)) << most;
      const auto order = [](const Score& a, const Score& b) {
        return std::pair(a.word, a.hop) < std::pair(b.word, b.hop);
      };
      auto a = cut.scores;
      auto b = whole.scores;
      std::ranges::sort(a, order);
      std::ranges::sort(b, order);
      for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(a[i].probability, b[i].probability) << most << " " << i;
        EXPECT_EQ(a[i].smoothed, b[i].smoothed) << most << " " << i;
      }
    }
  }
}

/// A gate saves work and nothing else: windows with something loud in them have the same scores.
TEST(Detector, GateClosesOnlyForSilentWindows) {
  const std::vector<std::string> models = {loudest_sample(), largest_feature(),
                                           test::largest_of_two_hops()};
  const auto sound = clicks(20 * kSecond, {4 * kSecond, 13 * kSecond}, 1.0F);
  Detector open = detector_of(models, {.smoothing = 1});
  Detector gated = detector_of(models, {.smoothing = 1}, {.gate_dbfs = -30});
  const Heard all = hear(open, sound);
  const Heard some = hear(gated, sound);
  ASSERT_EQ(all.scores.size(), some.scores.size());
  std::size_t closed = 0;
  for (std::size_t i = 0; i < all.scores.size(); ++i) {
    if (some.scores[i].probability == 0) {
      ++closed;
    } else {
      EXPECT_EQ(some.scores[i].probability, all.scores[i].probability) << i;
    }
  }
  EXPECT_GT(closed, all.scores.size() / 2);
  EXPECT_LT(closed, all.scores.size() - 40);
}

TEST(Detector, ListensWithSeveralModelsAtOnce) {
  Detector detector =
      detector_of({loudest_sample({{"threshold", "0.99"}}), loudest_sample()}, {.smoothing = 1});
  ASSERT_EQ(detector.words().size(), 2U);
  const Heard heard = hear(detector, clicks(6 * kSecond, {3 * kSecond}));
  for (const Detection& detection : heard.detections) EXPECT_EQ(detection.model, "m1");
  EXPECT_FALSE(heard.detections.empty());
  EXPECT_TRUE(std::ranges::is_sorted(heard.scores, {}, &Score::time_s));
}

TEST(Detector, RefusesSamplesThatAreNoNumbersAndUsesNothingOfThem) {
  Detector detector = detector_of({loudest_sample(), largest_feature()});
  const auto sound = clicks(2 * kSecond, {});
  ASSERT_THAT(detector.push(sound), IsOk());
  auto bad = sound;
  bad[160] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(detector.push(bad), HasError(ErrorCode::kInvalidArgument,
                                           "expected finite samples, found nan at 2.01 s"));
  EXPECT_EQ(detector.samples(), 2 * kSecond);
  ASSERT_THAT(detector.push(sound), IsOk());
  EXPECT_EQ(detector.samples(), 4 * kSecond);
}

TEST(Detector, BeginsAnewAfterReset) {
  Detector detector = detector_of({largest_feature(), test::largest_of_two_hops()});
  const auto sound = clicks(4 * kSecond + 123, {2 * kSecond});
  const Heard first = hear(detector, sound);
  detector.reset();
  const Heard second = hear(detector, sound);
  ASSERT_EQ(first.scores.size(), second.scores.size());
  for (std::size_t i = 0; i < first.scores.size(); ++i)
    EXPECT_EQ(first.scores[i].smoothed, second.scores[i].smoothed);
  EXPECT_EQ(times(first), times(second));
}

/// A day of sound: the times are still right to the sample.
TEST(Detector, TellsTheTimeAfterADay) {
  Detector detector =
      detector_of({loudest_sample()},
                  {.smoothing = 1, .refractory_s = 60, .window_frames = 3000, .hop_frames = 3000});
  const std::uint64_t hours = test::kIsSanitized ? 2 : 24;
  const std::vector<float> silence(600 * kSecond, 0.0F);
  for (std::uint64_t i = 0; i < 6 * hours; ++i) ASSERT_THAT(detector.push(silence), IsOk());
  const auto heard = detector.push(clicks(90 * kSecond, {20 * kSecond}));
  ASSERT_THAT(heard, IsOk());
  ASSERT_EQ(heard->size(), 1U);
  // Hops are 30 s: the day has a whole number of them, and the click is in the first one behind.
  const double end = static_cast<double>(hours) * 3600 + (2999 * 160 + 400) / 16'000.0;
  EXPECT_DOUBLE_EQ((*heard)[0].time_s, end);
  EXPECT_EQ(detector.samples(), hours * 3600 * kSecond + 90 * kSecond);
}

TEST(Detector, RefusesNoModelAndAGateThatIsNone) {
  EXPECT_THAT(Detector::create({}), HasError(ErrorCode::kInvalidArgument, "found none"));
  auto model = listening(loudest_sample());
  ASSERT_THAT(model, IsOk());
  std::vector<WakeModel> models;
  models.push_back(*std::move(model));
  EXPECT_THAT(Detector::create(std::move(models), {.gate_dbfs = 3}),
              HasError(ErrorCode::kInvalidArgument, "gate: expected -200 to 0 dB"));
}

}  // namespace
}  // namespace wakebuilder::runtime
