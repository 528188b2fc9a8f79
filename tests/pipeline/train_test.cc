// From text to a model, at a size that takes seconds.

#include "wakebuilder/pipeline/train.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/audio/wav.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/pipeline/load.h"

#include "pipeline/compact_graph.h"
#include "pipeline/held_out.h"
#include "pipeline/trainer_process.h"
#include "pipeline/training_corpus.h"
#include "pipeline/training_windows.h"
#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;

TrainingSize tiny() {
  return {.words = 60,
          .phrases = 10,
          .near_words = 60,
          .running = 60,
          .pseudo = 0,
          .isolated_words = 20,
          .isolated_times = 2,
          .noises = 2,
          .windows = 512,
          .steps = 60,
          .fine_tuning_steps = 3,
          .held_out_hours = 0.02};
}

/// A registry and a cache of its own; $XDG_CACHE_HOME points there. Only what was said is kept from
/// test to test, each of which is a process: otherwise all would say the same.
class TrainTest : public testing::Test {
 protected:
  TrainTest() {
    fs::create_directories(folder_ / "cache/wakebuilder");
    fs::create_directories(WAKEBUILDER_SPEECH_CACHE);
    fs::create_directory_symlink(WAKEBUILDER_SPEECH_CACHE, pieces());
    ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
  }
  ~TrainTest() override { ::unsetenv("XDG_CACHE_HOME"); }

  fs::path pieces() const { return folder_ / "cache/wakebuilder/pieces"; }

  TrainOptions options() const {
    return {.models = folder_ / "models", .size = tiny(), .threads = 2};
  }

  /// A program of the shell in the place of wakebuilder-train.
  fs::path trainer(const std::string& text) const {
    const auto path = folder_ / "trainer";
    std::ofstream(path) << "#!/bin/sh\n" << text;
    ::chmod(path.c_str(), 0755);
    return path;
  }

  bool registry_is_empty() const { return !fs::exists(folder_ / "models"); }

  TemporaryFolder folder_;
};

TEST_F(TrainTest, RefusesTextThatNoVoiceCanSay) {
  for (const char* text : {"", "   ", "...", "\xff\xfe", "a\nb", "компьютер"})
    EXPECT_THAT(train(text, options()), HasError(ErrorCode::kInvalidArgument, "")) << text;
  EXPECT_THAT(train(std::string(201, 'a'), options()),
              HasError(ErrorCode::kInvalidArgument, "200"));
  EXPECT_TRUE(registry_is_empty());
}

TEST_F(TrainTest, RefusesNamesThatCouldLeaveTheRegistry) {
  for (const char* name : {"../x", ".", "..", "a/b", ".hidden", "a\nb"}) {
    auto wanted = options();
    wanted.name = name;
    EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kInvalidArgument, "expected a name"))
        << name;
  }
  EXPECT_TRUE(registry_is_empty());
}

TEST(ModelName, IsTheWakeWordAsAFolder) {
  EXPECT_EQ(model_name("Hey, Jarvis!"), "hey_jarvis");
  EXPECT_EQ(model_name("../x"), "x");
  EXPECT_EQ(model_name("na\u00efve"), "na\u00efve");
}

TEST_F(TrainTest, LeavesAModelThatIsThereAlone) {
  fs::create_directories(folder_ / "models/custom/jarvis");
  std::ofstream(folder_ / "models/custom/jarvis/jarvis.pt") << "precious";
  EXPECT_THAT(train("Jarvis", options()), HasError(ErrorCode::kInvalidArgument, "--force"));
}

TEST_F(TrainTest, RefusesNumbersOutOfRange) {
  auto wanted = options();
  wanted.false_accepts_per_hour = 0;
  EXPECT_THAT(train("jarvis", wanted),
              HasError(ErrorCode::kInvalidArgument, "false accepts per hour"));
  wanted = options();
  wanted.size.windows = 3;
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kInvalidArgument, "windows"));
}

TEST_F(TrainTest, SaysWhatIsMissingBeforeItSpeaks) {
  bool spoke = false;
  const auto observer = [&](const TrainProgress& now) {
    spoke = spoke || now.stage == "speech";
    return true;
  };
  auto wanted = options();
  wanted.trainer = "/nowhere/wakebuilder-train";
  EXPECT_THAT(train("jarvis", wanted, observer), HasError(ErrorCode::kUnavailable, "/nowhere"));
  wanted = options();
  wanted.backbone = "/nowhere/embedding.onnx";
  EXPECT_THAT(train("jarvis", wanted, observer), HasError(ErrorCode::kNotFound, "/nowhere"));
  wanted = options();
  wanted.voices = {"/nowhere/piper {text} {wav}"};
  EXPECT_THAT(train("jarvis", wanted, observer), HasError(ErrorCode::kUnavailable, "/nowhere"));
  EXPECT_FALSE(spoke);
}

TEST_F(TrainTest, LeavesNothingWhenTheTrainingProgramDies) {
  auto wanted = options();
  wanted.trainer = trainer("kill -9 $$");
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kIo, "killed by signal 9"));
  EXPECT_TRUE(registry_is_empty());
  wanted.trainer = trainer(R"(echo '{"error": "io", "message": "disk full"}'; exit 3)");
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kIo, "disk full"));
  EXPECT_TRUE(registry_is_empty());
}

TEST_F(TrainTest, StopsInEveryStage) {
  for (const char* stage : {"speech", "windows", "head"}) {
    auto wanted = options();
    wanted.use_cache = std::string(stage) != "speech";
    wanted.trainer = trainer("trap 'exit 0' INT; while :; do sleep 0.05; done");
    const auto stopped = train("jarvis", wanted, [&](const TrainProgress& now) {
      return now.stage != stage || now.share >= 1;
    });
    EXPECT_FALSE(stopped.has_value()) << stage;
    EXPECT_TRUE(registry_is_empty()) << stage;
  }
}

TEST_F(TrainTest, ResumesOnlyWhatWasStopped) {
  auto wanted = options();
  wanted.trainer = trainer("kill -9 $$");
  wanted.resume = true;
  wanted.name = "other";
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kNotFound, "expected a training"));
  wanted.resume = false;
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kIo, "killed"));
  wanted.resume = true;
  wanted.seed = 1;
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kMismatch, "same options"));
  wanted.seed = 0;
  bool made_windows = false;
  EXPECT_THAT(train("jarvis", wanted,
                    [&](const TrainProgress& now) {
                      made_windows = made_windows || now.stage == "windows";
                      return true;
                    }),
              HasError(ErrorCode::kIo, "killed"));
  EXPECT_FALSE(made_windows);
  wanted.use_cache = false;
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kInvalidArgument, "--no-cache"));
}

TEST_F(TrainTest, TakesRecordingsWithTheirRoomAndSaysWhatIsWrongWithOthers) {
  corpus::Random random(3);
  std::vector<float> samples(16000 * 3);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] =
        (i > 16000 && i < 26000 ? 0.3F : 0.02F) * static_cast<float>(random.uniform(-1, 1));
  ASSERT_TRUE(audio::write_wav(folder_ / "said.wav", samples));
  const auto speaking = prepare_to_speak("jarvis", {}).value();
  CorpusOptions wanted = {
      .size = tiny(), .recordings = {folder_ / "said.wav"}, .cache = pieces(), .threads = 2};
  const auto corpus = make_corpus(speaking, wanted);
  ASSERT_THAT(corpus, IsOk());
  EXPECT_EQ(corpus->data.recordings, 1U);
  EXPECT_EQ(corpus->recordings, (std::vector<std::string>{"said.wav"}));
  const auto without =
      make_corpus(speaking, {.size = tiny(), .cache = pieces(), .threads = 2}).value();
  using enum corpus::Kind;
  EXPECT_EQ(corpus->learned.count(kWord), without.learned.count(kWord) + 1);
  EXPECT_EQ(corpus->learned.count(kJumbled), 12U);  // of the recording, in another order
  EXPECT_EQ(without.learned.count(kJumbled), without.learned.count(kWord));
  ASSERT_TRUE(audio::write_wav(folder_ / "silent.wav", std::vector<float>(16000)));
  wanted.recordings = {folder_ / "silent.wav"};
  EXPECT_THAT(make_corpus(speaking, wanted), HasError(ErrorCode::kInvalidArgument, "silence"));
}

TEST_F(TrainTest, HoldsAFifthOfTheUsersSoundOut) {
  std::vector<float> tone(16000 * 160);
  for (std::size_t i = 0; i < tone.size(); ++i)
    tone[i] = 0.1F * static_cast<float>(std::sin(0.05 * static_cast<double>(i)));
  ASSERT_TRUE(audio::write_wav(folder_ / "room.wav", tone));
  const auto speaking = prepare_to_speak("jarvis", {}).value();
  const auto corpus = make_corpus(
      speaking,
      {.size = tiny(), .negatives = {folder_ / "room.wav"}, .cache = pieces(), .threads = 2});
  ASSERT_THAT(corpus, IsOk());
  EXPECT_NEAR(corpus->data.negatives_hours, 160.0 / 3600, 1e-3);
  EXPECT_EQ(corpus->held_out.negatives.size(), 0U);  // 20 s, and a part is 30 s
  EXPECT_THAT(make_corpus(speaking, {.size = tiny(), .negatives = {folder_ / "nothing"}}),
              HasError(ErrorCode::kNotFound, "nothing"));
}

TEST_F(TrainTest, PreviewsWhatWouldBeLearned) {
  const auto preview = preview_training("jarvis", options(), folder_ / "preview", 8);
  ASSERT_THAT(preview, IsOk());
  EXPECT_EQ(preview->sounds, 8U);
  EXPECT_TRUE(fs::exists(preview->picture));
  auto of_ast = options();
  of_ast.base = fs::path(WAKEBUILDER_TEST_DATA) / "ast/tiny128/backbone";
  ASSERT_THAT(preview_training("jarvis", of_ast, folder_ / "of_ast", 1), IsOk());
  EXPECT_THAT(test::read(folder_ / "of_ast/index.html"), testing::HasSubstr("1.28 s;"));
  EXPECT_TRUE(registry_is_empty());
}

#ifdef WAKEBUILDER_TRAINER

// ---- what is learned ----

/// The frozen part of a compact network.
model::CompactClassifier frozen() { return frozen_network({}).value(); }

/// Trains on these windows and tells how well held-out words and other words are told apart: the
/// area under the curve, 0.5 where nothing was learned.
double learned_from(const LabelledTokens& windows, const TrainingCorpus& corpus,
                    const fs::path& folder) {
  auto staged = core::StagedFile::create(folder / "windows.safetensors").value();
  EXPECT_THAT(checkpoint::write_safetensors(
                  staged, core::Dict{{"tokens", windows.tokens}, {"labels", windows.labels}}),
              IsOk());
  EXPECT_THAT(staged.publish(), IsOk());
  const core::Value job = core::Dict{
      {"data", (folder / "windows.safetensors").string()},
      {"output", (folder / "head.safetensors").string()},
      {"options",
       core::Dict{{"steps", 150}, {"warm_up", 15}, {"channel_dropout", 0.1}, {"threads", 2}}}};
  EXPECT_THAT(core::write_file(folder / "job.json", core::to_json(job)), IsOk());
  EXPECT_THAT(run_trainer(WAKEBUILDER_TRAINER, folder / "job.json",
                          [](const core::Value*) { return true; }),
              IsOk());
  const auto head = checkpoint::read(folder / "head.safetensors").value();
  const auto network =
      model::load_compact(with_head(frozen(), head.root).value(), core::Dict{}).value();
  const auto scores =
      score_held_out(network, corpus.held_out, corpus.noises,
                     runtime::OnnxRuntime::load({}).value(), {.hours = 0.02, .threads = 2})
          .value();
  std::vector<double> words;
  std::vector<Trace> others;
  for (const ScoredText& word : scores.words) words.push_back(word.score);
  for (const ScoredText& other : scores.others) others.push_back({{.score = other.score}});
  return ErrorRates(std::move(words), std::move(others), 1).auc();
}

/// The same labels in another order.
core::Tensor shuffled(const core::Tensor& labels) {
  const auto values = labels.as<std::uint8_t>();
  std::vector<std::uint8_t> moved(values.begin(), values.end());
  corpus::Random random(9);
  for (std::size_t i = moved.size(); i > 1; --i)
    std::swap(moved[i - 1],
              moved[static_cast<std::size_t>(random.index(static_cast<std::int64_t>(i)))]);
  return core::Tensor::from(std::move(moved), labels.shape());
}

TEST_F(TrainTest, LearnsTheWordAndNothingFromShuffledLabels) {
  const auto speaking = prepare_to_speak("computer", {}).value();
  TrainingSize size = tiny();
  size.words = 200;
  size.near_words = 200;
  const auto corpus =
      make_corpus(speaking, {.size = size, .cache = pieces(), .threads = 2}).value();
  auto windows =
      make_windows(corpus.learned, corpus.noises, tokens_encoder(frozen(), model::kStreamFrames),
                   runtime::OnnxRuntime::load({}).value(), {.count = 2048, .threads = 2})
          .value();
  EXPECT_GT(learned_from(windows, corpus, folder_.path()), 0.85);
  windows.labels = shuffled(windows.labels);
  EXPECT_LT(learned_from(windows, corpus, folder_.path()), 0.7);
}

core::Value json(const fs::path& path) {
  const auto text = core::read_text(path);
  EXPECT_THAT(text, IsOk());
  return core::parse_json(text.value_or("null")).value_or(core::Value());
}

TEST_F(TrainTest, PutsACheckedModelIntoTheRegistry) {
  auto wanted = options();
  wanted.trainer = WAKEBUILDER_TRAINER;
  std::map<std::string, int> stages;
  const auto report = train("Hey Jarvis", wanted, [&](const TrainProgress& now) {
    ++stages[now.stage];
    EXPECT_GE(now.share, 0);
    EXPECT_LE(now.share, 1);
    return true;
  });
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(stages.size(), 6U);
  const fs::path model = folder_ / "models/custom/hey_jarvis";
  EXPECT_EQ(report->entry.onnx, model / "hey_jarvis.onnx");
  for (const char* name : {"hey_jarvis.pt", "hey_jarvis.json", "hey_jarvis.onnx", "hey_jarvis.html",
                           "training_history.json"})
    EXPECT_TRUE(fs::exists(model / name)) << name;
  const auto metadata = json(model / "hey_jarvis.json");
  EXPECT_EQ(*metadata.find("wake_word")->get_if<std::string>(), "Hey Jarvis");
  EXPECT_TRUE(*metadata.find("has_onnx")->get_if<bool>());
  EXPECT_LE(report->record.onnx_max_abs_diff, 1e-5);
  const auto loaded = load_network(model / "hey_jarvis.pt");
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(model::graph_name(loaded->network), "compact");
  EXPECT_EQ(model::settings_of(loaded->network).threshold, report->record.threshold);
  EXPECT_THAT(train("hey jarvis", wanted), HasError(ErrorCode::kInvalidArgument, "--force"));
}

TEST_F(TrainTest, FineTunesTheBackbone) {
  auto wanted = options();
  wanted.trainer = WAKEBUILDER_TRAINER;
  wanted.fine_tune = true;
  const auto report = train("jarvis", wanted);
  ASSERT_THAT(report, IsOk());
  const auto loaded = load_network(report->entry.checkpoint).value();
  const auto& network = std::get<model::CompactClassifier>(loaded.network);
  EXPECT_FALSE(model::shares_backbone(network, frozen()));
  EXPECT_TRUE(report->record.has_onnx) << report->record.onnx_failure;
}

TEST_F(TrainTest, GoesOnWithFineTuningWhereItWasStopped) {
  auto wanted = options();
  wanted.trainer = WAKEBUILDER_TRAINER;
  wanted.fine_tune = true;
  wanted.threads = 1;
  wanted.size.fine_tuning_steps = 12;
  const auto whole = train("jarvis", wanted);
  ASSERT_THAT(whole, IsOk());
  const auto weights = core::read_text(whole->entry.checkpoint).value();
  wanted.force = true;
  const fs::path state =
      folder_ / "cache/wakebuilder/training/jarvis/fine_tuning_state.safetensors";
  EXPECT_THAT(train("jarvis", wanted,
                    [&](const TrainProgress& now) {
                      return now.stage != "fine-tuning" || now.remark.empty();
                    }),
              HasError(ErrorCode::kIo, "stopped"));
  ASSERT_TRUE(fs::exists(state));
  wanted.resume = true;
  std::map<std::string, int> stages;
  const auto resumed = train("jarvis", wanted, [&](const TrainProgress& now) {
    ++stages[now.stage];
    return true;
  });
  ASSERT_THAT(resumed, IsOk());
  EXPECT_EQ(stages.count("windows"), 0U);
  EXPECT_EQ(resumed->record.steps, whole->record.steps);
  EXPECT_FALSE(resumed->record.stopped_early);
  EXPECT_EQ(core::read_text(resumed->entry.checkpoint).value(), weights);
}

TEST_F(TrainTest, StopsEarlyWhereItIsToldTo) {
  auto wanted = options();
  wanted.trainer = WAKEBUILDER_TRAINER;
  wanted.size.steps = 2000;
  wanted.patience = 1;
  const auto report = train("jarvis", wanted);
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->record.stopped_early);
  EXPECT_LT(report->record.steps, 2000);
  EXPECT_TRUE(
      *json(report->entry.metadata).find("training_config")->find("early_stopped")->get_if<bool>());
}

TEST_F(TrainTest, TrainsWakeBuildersHeadOnAFrozenAst) {
  auto wanted = options();
  wanted.trainer = WAKEBUILDER_TRAINER;
  wanted.base = fs::path(WAKEBUILDER_TEST_DATA) / "ast/tiny128/backbone";
  const auto report = train("jarvis", wanted);
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->record.has_onnx) << report->record.onnx_failure;
  EXPECT_LE(report->record.onnx_max_abs_diff, 1e-5);
  const auto loaded = load_network(report->entry.checkpoint);
  ASSERT_THAT(loaded, IsOk());
  const auto& head = std::get<model::Classifier>(loaded->network);
  EXPECT_TRUE(head.config.use_attention && head.config.use_se_block && head.config.use_tcn);
  EXPECT_EQ(head.threshold, report->record.threshold);
  const auto metadata = json(report->entry.metadata);
  EXPECT_EQ(*metadata.find("model_type")->get_if<std::string>(), "ast");
  EXPECT_EQ(*metadata.find("embedding_dim")->get_if<std::int64_t>(), head.config.embedding_dim);
  // The whole network hears with the same base.
  EXPECT_THAT(load_network(report->entry.checkpoint, {.graph = "ast", .base = wanted.base}),
              IsOk());
}

std::size_t parts_kept(const fs::path& cache) {
  const fs::path folder = cache / "wakebuilder/embeddings";
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST_F(TrainTest, KeepsEmbeddingsForTheNextTraining) {
  auto wanted = options();
  wanted.trainer = WAKEBUILDER_TRAINER;
  wanted.base = fs::path(WAKEBUILDER_TEST_DATA) / "ast/tiny128/backbone";
  ASSERT_THAT(train("jarvis", wanted), IsOk());
  const std::size_t kept = parts_kept(folder_ / "cache");
  EXPECT_EQ(kept, 5U);  // 512 windows to learn from and 128 to validate, in parts of 128
  wanted.force = true;
  wanted.size.steps = 70;
  wanted.size.windows = 600;
  const auto again = train("jarvis", wanted, [](const TrainProgress& now) {
    EXPECT_LE(now.share, 1) << now.stage;
    return true;
  });
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(parts_kept(folder_ / "cache"), kept + 2);  // one more part of each
}

TEST_F(TrainTest, SaysWhichOptionsOfTheGraphsDoNotGoTogether) {
  auto wanted = options();
  wanted.graph = "head";
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kInvalidArgument, "--base"));
  wanted.base = "/nowhere/ast";
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kNotFound, "/nowhere/ast"));
  wanted.fine_tune = true;
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kInvalidArgument, "fine-tuning"));
  wanted.graph = "compact";
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kInvalidArgument, "--graph head"));
  wanted.graph = "ast";
  EXPECT_THAT(train("jarvis", wanted), HasError(ErrorCode::kInvalidArgument, "compact or head"));
}

TEST_F(TrainTest, KeepsTheCheckpointWhenTheExportFails) {
  auto wanted = options();
  wanted.trainer = WAKEBUILDER_TRAINER;
  // A folder where the .onnx should go: nothing can take its place.
  const fs::path blocked = folder_ / "models/custom/jarvis/jarvis.onnx";
  fs::create_directories(blocked / "inside");
  const auto report = train("jarvis", wanted);
  ASSERT_THAT(report, IsOk());
  EXPECT_FALSE(report->record.has_onnx);
  EXPECT_NE(report->record.onnx_failure, "");
  EXPECT_TRUE(fs::exists(report->entry.checkpoint));
  EXPECT_FALSE(*json(report->entry.metadata).find("has_onnx")->get_if<bool>());
}

#endif

}  // namespace
}  // namespace wakebuilder::pipeline
