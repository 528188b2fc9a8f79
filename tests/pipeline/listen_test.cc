#include "wakebuilder/pipeline/listen.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/file.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/onnx/write.h"

#include "pipeline/golden.h"
#include "pipeline/test_sound.h"
#include "pipeline/write_model.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

using test::data;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;
using test::write_model;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr double kTolerance = 1e-5;

/// A compact network whose head differs from the golden one's, more with each seed; 0 is that.
LoadedNetwork network_of(unsigned seed) {
  auto loaded = load_network(data("compact/computer.pt"));
  EXPECT_THAT(loaded, IsOk());
  auto& compact = std::get<model::CompactClassifier>(loaded->network);
  std::minstd_rand random(seed);
  model::visit(compact.network, compact.config,
               [&](const std::string& name, model::Parameter& weight, const core::Shape& shape) {
                 if (seed == 0 || !name.starts_with("head.") || name.ends_with("running_var"))
                   return;
                 const auto values = weight.tensor.as<float>();
                 std::vector<float> moved(values.begin(), values.end());
                 for (float& value : moved)
                   value *= 1 + 0.02F * static_cast<float>(seed) * static_cast<float>(random()) /
                                    static_cast<float>(std::minstd_rand::max());
                 weight.tensor = core::Tensor::from(std::move(moved), shape);
               });
  return *std::move(loaded);
}

/// The same with another classifier behind the pooling: 128 -> 8 -> 2.
LoadedNetwork narrow_network() {
  LoadedNetwork loaded = network_of(3);
  auto& compact = std::get<model::CompactClassifier>(loaded.network);
  auto& layers = compact.network.classifier;
  const auto first = layers[0].weight.tensor.as<float>();
  const auto bias = layers[0].bias.tensor.as<float>();
  const auto last = layers[2].weight.tensor.as<float>();
  layers[0].weight.tensor =
      core::Tensor::from(std::vector<float>(first.begin(), first.begin() + 8 * 128), {8, 128});
  layers[0].bias.tensor =
      core::Tensor::from(std::vector<float>(bias.begin(), bias.begin() + 8), {8});
  layers[1].weight.tensor =
      core::Tensor::from(std::vector<float>(last.begin(), last.begin() + 16), {2, 8});
  layers[1].weight.name = "head.classifier.1.weight";
  layers[1].bias = layers[2].bias;
  layers.resize(2);
  compact.config.hidden_dims = {8};
  return loaded;
}

struct Heard {
  std::vector<runtime::Score> scores;
  std::vector<runtime::Detection> detections;
};

Heard hear(Listening& listening, std::size_t row = 1, std::size_t samples = 96'000) {
  Heard heard;
  listening.detector.reset();
  auto found = listening.detector.push(test_sound(row, samples));
  EXPECT_THAT(found, IsOk());
  heard.detections = *std::move(found);
  heard.scores.assign(listening.detector.scores().begin(), listening.detector.scores().end());
  found = listening.detector.finish();
  EXPECT_THAT(found, IsOk());
  heard.scores.insert(heard.scores.end(), listening.detector.scores().begin(),
                      listening.detector.scores().end());
  return heard;
}

Heard hear(const std::filesystem::path& model, const ListenOptions& options = {},
           std::size_t row = 1, std::size_t samples = 96'000) {
  const ListenTarget target{.name = {}, .file = model};
  auto listening = listen({&target, 1}, options);
  EXPECT_THAT(listening, IsOk());
  return hear(*listening, row, samples);
}

void expect_same(const Heard& a, const Heard& b, double tolerance = kTolerance) {
  ASSERT_EQ(a.scores.size(), b.scores.size());
  ASSERT_FALSE(a.scores.empty());
  for (std::size_t i = 0; i < a.scores.size(); ++i) {
    EXPECT_EQ(a.scores[i].hop, b.scores[i].hop);
    EXPECT_NEAR(a.scores[i].probability, b.scores[i].probability, tolerance) << i;
  }
}

TEST(Listen, StreamsGiveTheScoresOfWindows) {
  const TemporaryFolder folder;
  const auto model = write_model(network_of(0), folder / "computer.onnx");
  for (const std::size_t row : {0U, 1U, 4U, 5U})
    expect_same(hear(model, {}, row), hear(model, {.streams = false}, row));
}

TEST(Listen, StreamsGiveTheScoresOfWindowsOfOtherLengths) {
  const TemporaryFolder folder;
  const auto model = write_model(network_of(0), folder / "computer.onnx");
  for (const std::int64_t frames : {96, 165, 200}) {
    ListenOptions options{.overrides = {.window_frames = frames}};
    const Heard stream = hear(model, options);
    options.streams = false;
    expect_same(stream, hear(model, options));
  }
}

TEST(Listen, PadsShortRecordingsInAStreamAsInAWindow) {
  const TemporaryFolder folder;
  const auto model = write_model(network_of(0), folder / "computer.onnx");
  for (const std::size_t samples : {400U, 8'000U, 25'000U})
    expect_same(hear(model, {}, 0, samples), hear(model, {.streams = false}, 0, samples));
}

/// Whatever was exported of a network, the same stream listens.
TEST(Listen, FindsTheNetworkInEveryExport) {
  const TemporaryFolder folder;
  const LoadedNetwork network = network_of(0);
  const Heard wanted = hear(write_model(network, folder / "plain.onnx"));
  const std::vector<ExportOptions> exports = {{.variant = {.stream = true}},
                                              {.variant = {.waveform = true}},
                                              {.variant = {.waveform = true, .stream = true}},
                                              {.fold = false},
                                              {.opset = 13},
                                              {.opset = 21},
                                              {.variant = {.frames = 160}}};
  for (std::size_t i = 0; i < exports.size(); ++i) {
    const ListenTarget target{
        .name = {},
        .file = write_model(network, folder / (std::to_string(i) + ".onnx"), exports[i])};
    auto listening = listen({&target, 1});
    ASSERT_THAT(listening, IsOk());
    EXPECT_TRUE(listening->modes[0].stream) << i;
    EXPECT_EQ(listening->modes[0].remark, "") << i;
    expect_same(hear(*listening), wanted);
  }
}

TEST(Listen, HeadsOnOneBackboneHearWhatEachHearsAlone) {
  const TemporaryFolder folder;
  std::vector<ListenTarget> targets;
  for (const unsigned seed : {0U, 1U, 9U}) {
    const std::string name = "m" + std::to_string(seed) + ".onnx";
    targets.push_back({.name = {}, .file = write_model(network_of(seed), folder / name)});
  }
  targets.push_back({.name = {}, .file = write_model(narrow_network(), folder / "narrow.onnx")});
  targets.push_back(
      {.name = {}, .file = write_model(network_of(5), folder / "m5.onnx", {.fold = false})});
  auto together = listen(targets);
  ASSERT_THAT(together, IsOk());
  for (const std::size_t samples : {96'000U, 12'000U}) {
    const Heard heard = hear(*together, 1, samples);
    for (const ListenTarget& target : targets) {
      Heard of_one;
      for (const runtime::Score& score : heard.scores)
        if (together->detector.words()[score.word].model == target.file.stem())
          of_one.scores.push_back(score);
      expect_same(of_one, hear(target.file, {}, 1, samples));
    }
  }
}

/// A graph that somebody changed is not taken for the network that it once was.
TEST(Listen, RunsAChangedGraphWindowByWindowAndSaysSo) {
  const TemporaryFolder folder;
  const auto path = write_model(network_of(0), folder / "computer.onnx");
  auto model = onnx::read_model(path);
  ASSERT_THAT(model, IsOk());
  for (auto& node : model->graph->nodes)
    if (node.op_type == "LeakyRelu") node.attributes[0].f = 0.3F;
  ASSERT_THAT(core::write_file(path, onnx::serialize(*model)), IsOk());
  const ListenTarget target{.name = {}, .file = path};
  auto listening = listen({&target, 1});
  ASSERT_THAT(listening, IsOk());
  EXPECT_FALSE(listening->modes[0].stream);
  EXPECT_THAT(listening->modes[0].remark, HasSubstr("each window is computed anew"));
  const Heard original = hear(write_model(network_of(0), folder / "original.onnx"));
  const Heard changed = hear(*listening);
  ASSERT_EQ(changed.scores.size(), original.scores.size());
  EXPECT_GT(std::abs(changed.scores[3].probability - original.scores[3].probability), 1e-3);
}

/// The declared 1024 frames of a window without a stream are not computed: 160 are.
TEST(Listen, NarrowsTheWindowsOfCompactNetworks) {
  const TemporaryFolder folder;
  const auto path = write_model(network_of(0), folder / "computer.onnx");
  auto model = onnx::read_model(path);
  ASSERT_THAT(model, IsOk());
  model->graph->name = "renamed";  // no export of ours any more
  ASSERT_THAT(core::write_file(path, onnx::serialize(*model)), IsOk());
  expect_same(hear(path), hear(write_model(network_of(0), folder / "original.onnx")));
}

TEST(Listen, TakesTheModelsDecisionUnlessToldOtherwise) {
  const TemporaryFolder folder;
  LoadedNetwork network = network_of(0);
  std::get<model::CompactClassifier>(network.network).threshold = 0.87;
  const ListenTarget target{.name = "hal", .file = write_model(network, folder / "computer.onnx")};
  auto listening = listen({&target, 1});
  ASSERT_THAT(listening, IsOk());
  EXPECT_EQ(listening->detector.words()[0].model, "hal");
  EXPECT_EQ(listening->detector.words()[0].wake_word, "computer");
  EXPECT_EQ(listening->detector.words()[0].decision,
            (runtime::Decision{.threshold = 0.87, .smoothing = 3, .refractory_s = 1}));
  listening = listen({&target, 1}, {.overrides = {.threshold = 0.1}});
  ASSERT_THAT(listening, IsOk());
  EXPECT_EQ(listening->detector.words()[0].decision.threshold, 0.1);
}

TEST(Listen, HearsThePersonWhoSaysTheWord) {
  const TemporaryFolder folder;
  const auto model = write_model(network_of(0), folder / "computer.onnx");
  EXPECT_EQ(hear(model, {}, 0, 48'000).detections.size(), 1U);
  EXPECT_THAT(hear(model, {}, 5, 48'000).detections, IsEmpty());  // silence
}

TEST(Listen, RefusesModelsThatItCannotUse) {
  const TemporaryFolder folder;
  EXPECT_THAT(listen({}), HasError(ErrorCode::kInvalidArgument, "found none"));
  const auto model = write_model(network_of(0), folder / "computer.onnx");
  const std::vector<ListenTarget> twice = {{.name = {}, .file = model},
                                           {.name = {}, .file = model}};
  EXPECT_THAT(listen(twice),
              HasError(ErrorCode::kInvalidArgument,
                       "expected models with different names, found two of computer"));
  const ListenTarget missing{.name = {}, .file = folder / "no.onnx"};
  EXPECT_THAT(listen({&missing, 1}), HasError(ErrorCode::kNotFound, "no.onnx: no such file"));
  const ListenTarget checkpoint{.name = {}, .file = data("compact/computer.pt")};
  EXPECT_THAT(listen({&checkpoint, 1}), HasError(ErrorCode::kUnsupported, "computer.pt"));
  const ListenTarget target{.name = {}, .file = model};
  EXPECT_THAT(listen({&target, 1}, {.overrides = {.window_frames = 50}}),
              HasError(ErrorCode::kInvalidArgument, "frames: expected 76"));
  EXPECT_THAT(listen({&target, 1}, {.onnxruntime = folder / "none.so"}),
              HasError(ErrorCode::kUnavailable, "none.so"));
}

TEST(Listen, SaysWhoComputes) {
  const TemporaryFolder folder;
  const ListenTarget target{.name = {},
                            .file = write_model(network_of(0), folder / "computer.onnx")};
  ListenOptions options;
  options.session.providers = *runtime::parse_providers("cuda,cpu");
  auto listening = listen({&target, 1}, options);
  ASSERT_THAT(listening, IsOk());
  ASSERT_EQ(listening->providers.size(), 1U);
  EXPECT_FALSE(listening->providers[0].placements.empty());
  EXPECT_EQ(hear(*listening).scores.size(), hear(target.file).scores.size());
  options.session.providers = *runtime::parse_providers("cuda");
  options.session.strict_providers = true;
  if (listening->providers[0].fallbacks.empty()) return;  // a machine with CUDA
  EXPECT_THAT(listening->providers[0].fallbacks[0], HasSubstr("cuda: not used: "));
  EXPECT_THAT(listen({&target, 1}, options), HasError(ErrorCode::kUnavailable, "cuda"));
}

}  // namespace
}  // namespace wakebuilder::pipeline
