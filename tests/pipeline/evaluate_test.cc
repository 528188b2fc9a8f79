#include "wakebuilder/pipeline/evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/audio/wav.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/pipeline/report.h"

#include "pipeline/evaluation_clip.h"
#include "pipeline/test_sound.h"
#include "pipeline/write_model.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

void write_sound(const fs::path& path, std::span<const float> samples) {
  fs::create_directories(path.parent_path());
  ASSERT_THAT(audio::write_wav(path, samples), IsOk());
}

/// A folder in which a person says "computer" twice, and other sounds where nobody does.
class Evaluate : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    test::write_model("compact/computer.pt", *folder_ / "computer.onnx");
    auto word = recorded_word();
    write_sound(*folder_ / "said/loud.wav", word);
    for (float& sample : word) sample *= 0.25F;
    write_sound(*folder_ / "said/soft/quiet.wav", word);
    write_sound(*folder_ / "other/noise.wav", test_sound(3, 160'000));
    write_sound(*folder_ / "other/chirp/chirp.wav", test_sound(4, 80'000));
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static fs::path path(const std::string& name) { return *folder_ / name; }

  static EvaluateOptions options() {
    EvaluateOptions options;
    options.positive = {path("said")};
    options.negative = {path("other")};
    options.threads = 1;
    return options;
  }

  static Result<EvaluateReport> run(const EvaluateOptions& options,
                                    const EvaluateObserver& observer = {}) {
    const ListenTarget target{.name = {}, .file = path("computer.onnx")};
    return evaluate({&target, 1}, options, observer);
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> Evaluate::folder_;

TEST_F(Evaluate, HearsTheWordAndNothingElse) {
  const auto report = run(options());
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->positives, 2U);
  EXPECT_EQ(report->negatives, 2U);
  EXPECT_NEAR(report->negative_hours, 15.0 / 3600, 1e-9);
  const auto& model = report->models.at(0);
  EXPECT_EQ(model.model, "computer");
  EXPECT_EQ(model.auc, 1);
  EXPECT_EQ(model.eer, 0);
  for (const auto& point : model.points) EXPECT_EQ(point.miss_rate, 0);
  EXPECT_THAT(model.missed, IsEmpty());
}

TEST_F(Evaluate, MissesAllWhenTheWordIsInTheNegativesToo) {
  auto swapped = options();
  std::swap(swapped.positive, swapped.negative);
  const auto report = run(swapped);
  ASSERT_THAT(report, IsOk());
  const auto& model = report->models.at(0);
  EXPECT_EQ(model.auc, 0);
  EXPECT_EQ(model.points.at(1).miss_rate, 1);
  EXPECT_THAT(model.missed, SizeIs(2));
  EXPECT_LE(model.missed[0].score, model.missed[1].score);
}

TEST_F(Evaluate, TellsWhereTheHighestFalseAcceptsAre) {
  auto swapped = options();
  std::swap(swapped.positive, swapped.negative);
  swapped.false_accepts_per_hour = {2000};  // two clips of 2 s: two false accepts are allowed
  const auto report = run(swapped);
  ASSERT_THAT(report, IsOk());
  const auto& accepts = report->models.at(0).false_accepts;
  ASSERT_THAT(accepts, SizeIs(2));
  EXPECT_GE(accepts[0].score, accepts[1].score);
  EXPECT_GT(accepts[1].score, 0.5);
  EXPECT_GT(accepts[0].time_s, 0);
  EXPECT_LT(accepts[0].time_s, 2.5);
}

TEST_F(Evaluate, CountsFoldersAndTheFoldersBelowThem) {
  const auto report = run(options());
  ASSERT_THAT(report, IsOk());
  std::vector<std::string> found;
  for (const auto& folder : report->models.at(0).folders)
    found.push_back(folder.folder.lexically_relative(path("")).string() + ":" +
                    std::to_string(folder.clips));
  EXPECT_THAT(found, ElementsAre("said:2", "said/soft:1", "other:2", "other/chirp:1"));
}

TEST_F(Evaluate, DoesNotDependOnThreads) {
  auto with_noise = options();
  with_noise.snr_db = 5;
  const auto one = run(with_noise);
  with_noise.threads = 3;
  const auto three = run(with_noise);
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(three, IsOk());
  EXPECT_EQ(core::to_json(to_value(*one)), core::to_json(to_value(*three)));
}

TEST_F(Evaluate, CountsCopiesOnceAndTellsProgress) {
  auto twice = options();
  twice.negative.push_back(path("said/loud.wav"));
  std::vector<std::size_t> told;
  const auto report = run(twice, [&](std::size_t done, std::size_t all) {
    told.push_back(done);
    EXPECT_EQ(all, 4U);
  });
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->duplicates, 1U);
  EXPECT_EQ(report->negatives, 2U);
  EXPECT_THAT(told, ElementsAre(1, 2, 3, 4));
}

TEST_F(Evaluate, SkipsADamagedFileAndSaysSo) {
  const TemporaryFolder folder;
  test::write(folder / "torn.wav", "RIFF");
  auto damaged = options();
  damaged.negative.push_back(folder / "torn.wav");
  const auto report = run(damaged);
  ASSERT_THAT(report, IsOk());
  ASSERT_THAT(report->skipped, SizeIs(1));
  EXPECT_THAT(report->skipped[0].reason, HasSubstr("torn.wav"));
  EXPECT_EQ(report->negatives, 2U);
  damaged.negative = {folder / "torn.wav"};
  EXPECT_THAT(run(damaged), HasError(ErrorCode::kCorrupt, "expected negatives that can be heard"));
}

TEST_F(Evaluate, RefusesWhatItCannotMeasure) {
  auto wrong = options();
  wrong.positive.clear();
  EXPECT_THAT(run(wrong), HasError(ErrorCode::kInvalidArgument, "--positive: expected folders"));
  wrong = options();
  wrong.negative.clear();
  EXPECT_THAT(run(wrong), HasError(ErrorCode::kInvalidArgument, "--negative: expected folders"));
  wrong = options();
  wrong.snr_db = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(run(wrong), HasError(ErrorCode::kInvalidArgument, "--snr: expected a number of dB"));
  wrong = options();
  wrong.false_accepts_per_hour = {1, 0};
  EXPECT_THAT(run(wrong), HasError(ErrorCode::kInvalidArgument, "expected numbers above 0"));
  wrong = options();
  wrong.positive = {path("nowhere")};
  EXPECT_THAT(run(wrong),
              HasError(ErrorCode::kNotFound, "expected a recording or a folder of them"));
  const TemporaryFolder empty;
  wrong.positive = {empty / ""};
  EXPECT_THAT(run(wrong), HasError(ErrorCode::kNotFound, "expected WAV, FLAC, Ogg or MP3 files"));
  wrong = options();
  wrong.negative = {path("said")};
  EXPECT_THAT(run(wrong), HasError(ErrorCode::kInvalidArgument, "not copies of other files"));
}

TEST_F(Evaluate, AnswersWithTheKeysThatScriptsRelyOn) {
  const auto report = run(options());
  ASSERT_THAT(report, IsOk());
  const auto value = to_value(*report);
  for (const char* key : {"positives", "negative_hours", "auc", "eer"})
    EXPECT_TRUE(value.find(key) != nullptr && value.find(key)->number()) << key;
  for (const char* rate : {"0.5", "1", "2", "5", "10"})
    EXPECT_NE(value.find("miss_rate", rate), nullptr) << rate;
}

// ---- what is heard of a clip ----

std::vector<float> heard_of(const EvaluationClip& clip, const std::optional<MixedNoise>& noise) {
  std::vector<float> all;
  EXPECT_THAT(clip.hear(noise,
                        [&](std::span<const float> samples) -> Result<void> {
                          all.insert(all.end(), samples.begin(), samples.end());
                          return {};
                        }),
              IsOk());
  return all;
}

std::vector<float> tone(std::size_t samples, float amplitude) {
  std::vector<float> sound(samples);
  for (std::size_t i = 0; i < samples; ++i)
    sound[i] =
        i / 4000 % 2 == 0 ? amplitude * std::sin(static_cast<float>(i % 160) * 0.0392699F) : 0.0F;
  return sound;
}

TEST(EvaluationClip, IsBetweenHalfSecondsOfItsNoiseFloor) {
  const TemporaryFolder folder;
  const auto sound = tone(16'000, 0.5F);
  write_sound(folder / "tone.wav", sound);
  const auto clip = EvaluationClip::open(folder / "tone.wav", 1);
  ASSERT_THAT(clip, IsOk());
  EXPECT_EQ(clip->seconds(), 1);
  const auto heard = heard_of(*clip, {});
  ASSERT_THAT(heard, SizeIs(32'000));
  EXPECT_NEAR(heard[8040], sound[40], 1e-4);
  EXPECT_NE(heard[0], 0);
  EXPECT_LT(std::abs(heard[0]), 1e-4);  // digital silence between the tones: the least floor
}

TEST(EvaluationClip, HasTheNoiseBelowTheSpeechByTheRatio) {
  const TemporaryFolder folder;
  write_sound(folder / "tone.wav", tone(16'000, 0.1F));
  const auto clip = EvaluationClip::open(folder / "tone.wav", 1);
  ASSERT_THAT(clip, IsOk());
  const std::vector<float> ones(100, 1);
  const auto clean = heard_of(*clip, {});
  const auto noisy = heard_of(*clip, MixedNoise{.samples = ones, .snr_db = 20});
  // The active level of the tone is 0.1 / sqrt(2).
  EXPECT_NEAR(noisy[10'000] - clean[10'000], 0.00707, 2e-5);
}

TEST(EvaluationClip, IsScaledWhereNoiseWouldClip) {
  const TemporaryFolder folder;
  write_sound(folder / "tone.wav", tone(16'000, 0.9F));
  const auto clip = EvaluationClip::open(folder / "tone.wav", 1);
  ASSERT_THAT(clip, IsOk());
  const std::vector<float> ones(100, 1);
  const auto heard = heard_of(*clip, MixedNoise{.samples = ones, .snr_db = 0});
  EXPECT_NEAR(std::ranges::max(heard), 1, 1e-6);
}

TEST(EvaluationClip, SoundsTheSameWhenItIsTooLongToKeep) {
  // 61 s is read anew; its level, edges and noise are found as for a short one.
  const TemporaryFolder folder;
  const auto sound = tone(61 * 16'000, 0.5F);
  write_sound(folder / "long.wav", sound);
  const auto clip = EvaluationClip::open(folder / "long.wav", 1);
  ASSERT_THAT(clip, IsOk());
  const std::vector<float> ones(100, 1);
  const auto heard = heard_of(*clip, MixedNoise{.samples = ones, .snr_db = 20});
  ASSERT_THAT(heard, SizeIs(62 * 16'000));
  EXPECT_NEAR(heard[8000 + 50 * 16'000 + 40] - sound[50 * 16'000 + 40], 0.0354, 1e-4);
}

TEST(EvaluationNoise, IsAsLoudInBothHalves) {
  const TemporaryFolder folder;
  write_sound(folder / "tone.wav", tone(160'000, 0.5F));
  const std::vector<fs::path> speech = {folder / "tone.wav"};
  corpus::Random random(1);
  const auto noise = evaluation_noise(speech, random);
  ASSERT_THAT(noise, IsOk());
  for (const auto half : {std::span(*noise).first(2'400'000), std::span(*noise).last(2'400'000)}) {
    double energy = 0;
    for (const float sample : half) energy += static_cast<double>(sample) * double{sample};
    EXPECT_NEAR(energy / 2.4e6, 1, 1e-3);
  }
}

TEST(EvaluationNoise, HasTalkersOfOneLongRecordingAtDifferentPlaces) {
  // 170 s of silence in which a single second is loud: eight talkers, so up to eight loud seconds.
  const TemporaryFolder folder;
  std::vector<float> sound(170 * 16'000);
  std::fill_n(sound.begin() + 60 * 16'000, 16'000, 0.5F);
  write_sound(folder / "long.wav", sound);
  const std::vector<fs::path> speech = {folder / "long.wav"};
  corpus::Random random(1);
  const auto noise = evaluation_noise(speech, random);
  ASSERT_THAT(noise, IsOk());
  const auto loud = std::count_if(noise->begin() + 2'400'000, noise->end(),
                                  [](float sample) { return sample > 0.01F; });
  EXPECT_GT(loud, 2 * 16'000);
}

TEST(EvaluationNoise, NeedsSpeechOfAQuarterOfASecond) {
  const TemporaryFolder folder;
  write_sound(folder / "short.wav", tone(1000, 0.5F));
  const std::vector<fs::path> speech = {folder / "short.wav"};
  corpus::Random random(1);
  EXPECT_THAT(evaluation_noise(speech, random),
              HasError(ErrorCode::kInvalidArgument, "at least 0.25 s to make babble"));
}

}  // namespace
}  // namespace wakebuilder::pipeline
