// The compact network against what PyTorch computed with it (tests/data/compact/README.md).

#include <algorithm>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/model/network.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/pipeline/compare.h"
#include "wakebuilder/pipeline/export.h"
#include "wakebuilder/runtime/session.h"

#include "pipeline/golden.h"
#include "pipeline/test_sound.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

using core::Shape;
using core::Tensor;
using model::GraphOptions;
using model::Reference;
using test::data;
using test::HasError;
using test::IsOk;
using test::scaled_difference;

constexpr double kPadding = 4.2677393 / (2 * 4.5689974);

Tensor stored(const std::string& name) {
  return test::stored(data("compact/computer.expected.safetensors"), name);
}

std::vector<double> doubles(const Tensor& tensor) { return model::to_array(tensor).data; }

/// Features [1, frames, 128] of a golden input, padded.
Tensor padded_input(int index, std::int64_t frames) {
  const Tensor stored_frames = stored("frames_" + std::to_string(index));
  const auto values = stored_frames.as<float>();
  std::vector<float> padded(values.begin(), values.end());
  padded.resize(static_cast<std::size_t>(frames * 128), static_cast<float>(kPadding));
  return Tensor::from(std::move(padded), {1, frames, 128});
}

class CompactNetwork : public ::testing::Test {
 protected:
  void SetUp() override {
    auto loaded = load_network(data("compact/computer.pt"));
    ASSERT_THAT(loaded, IsOk());
    loaded_ = *std::move(loaded);
  }

  const model::CompactClassifier& compact() const {
    return std::get<model::CompactClassifier>(loaded_.network);
  }

  std::vector<double> reference_logits(const Tensor& input) const {
    Reference op;
    return model::forward(op, loaded_.network, {}, Reference::input(model::to_array(input)))->data;
  }

  /// A session over a graph of this network; skips without ONNX Runtime.
  runtime::Session session(const ExportOptions& options) {
    const auto library = runtime::OnnxRuntime::load();
    EXPECT_THAT(library, IsOk());
    const auto proto = build_model(loaded_, options);
    EXPECT_THAT(proto, IsOk());
    bytes_ = onnx::serialize(*proto);
    auto opened = runtime::Session::open(*library, std::as_bytes(std::span(bytes_)));
    EXPECT_THAT(opened, IsOk());
    return *std::move(opened);
  }

  static std::vector<float> run(runtime::Session& session, const std::string& input,
                                const Tensor& x) {
    const std::pair<std::string, Tensor> named = {input, x};
    const std::string logits = "logits";
    const auto found = session.run({&named, 1}, {&logits, 1});
    EXPECT_THAT(found, IsOk());
    const auto values = (*found)[0].as<float>();
    return {values.begin(), values.end()};
  }

  LoadedNetwork loaded_;
  std::string bytes_;
};

TEST_F(CompactNetwork, LoadsThroughTheNamesOfTheResearchCode) {
  EXPECT_EQ(compact().wake_word, "computer");
  EXPECT_EQ(compact().frames, 1024);
  EXPECT_EQ(compact().config, model::CompactConfig{});
  EXPECT_EQ(compact().parameters(), 492946U);
}

TEST_F(CompactNetwork, TheReferenceGivesTheLogitsOfFloat64) {
  const auto expected = doubles(stored("logits_float64"));
  for (int i = 0; i < 4; ++i) {
    const auto row = std::vector(expected.begin() + 2 * i, expected.begin() + 2 * i + 2);
    // The -0.4 of PyTorch was rounded to float32.
    EXPECT_LT(scaled_difference(reference_logits(padded_input(i, 1024)), row), 1e-8) << i;
  }
}

TEST_F(CompactNetwork, EveryBlockGivesWhatPyTorchGives) {
  Reference op;
  model::forward(op, loaded_.network, {}, Reference::input(model::to_array(padded_input(0, 1024))));
  std::map<std::string, Reference::Value> found(op.outputs().begin(), op.outputs().end());
  const auto near = [&](const std::string& layer, const std::string& name, bool by_channel) {
    const Tensor want = stored(name);
    Reference::Value value = found.at(layer);
    if (by_channel) value = op.transpose("", value, {0, 2, 1});
    const auto count = static_cast<std::ptrdiff_t>(want.size());  // the rest is padding
    const std::vector<double> real(value->data.begin(), value->data.begin() + count);
    EXPECT_LT(scaled_difference(real, doubles(want)), 3e-5) << layer;
  };
  near("bridge", "mel", false);
  near("backbone", "embedding", true);
  near("attention", "attention", true);
  near("se_block", "se", true);
  near("tcn_block_0", "tcn0", true);
  near("tcn_block_1", "tcn1", true);
  near("pooled", "pooled", false);
}

TEST_F(CompactNetwork, EveryExportedFormGivesTheLogitsOfFloat64) {
  const auto expected = doubles(stored("logits_float64"));
  for (const bool fold : {true, false}) {
    for (const std::int64_t opset : {13, 17, 18, 21}) {
      auto opened = session({.opset = opset, .fold = fold});
      for (int i = 0; i < 4; ++i) {
        const auto row = std::vector(expected.begin() + 2 * i, expected.begin() + 2 * i + 2);
        EXPECT_LT(scaled_difference(run(opened, "input_values", padded_input(i, 1024)), row), 1e-5)
            << i << " opset " << opset << " fold " << fold;
      }
    }
  }
}

TEST_F(CompactNetwork, PaddingBeyondTheLastTokenOfAClipChangesNothing) {
  for (const int i : {0, 1, 2}) {
    const std::int64_t frames = stored("frames_" + std::to_string(i)).shape()[0];
    const std::int64_t last_token = (frames + 7) / 8 - 1;
    const auto far = reference_logits(padded_input(i, 1024));
    const auto near = reference_logits(padded_input(i, last_token * 8 + 76));
    EXPECT_LT(scaled_difference(near, far), 1e-12) << i;
  }
}

TEST_F(CompactNetwork, TheNodesDoNotDependOnTheNumberOfFrames) {
  const auto names = [&](std::int64_t frames) {
    std::vector<std::string> all;
    const auto proto = build_model(loaded_, {.variant = {.frames = frames}});
    for (const auto& node : proto->graph->nodes) all.push_back(node.name);
    return all;
  };
  EXPECT_EQ(names(1024), names(160));
  EXPECT_EQ(names(1024), names(200));
}

TEST_F(CompactNetwork, AStreamGivesAtEveryHopWhatTheWindowGives) {
  const Tensor frames = padded_input(3, 1024);
  for (const std::int64_t window : {160, 200, 176}) {
    auto whole = session({.variant = {.frames = window}});
    const std::string keep = bytes_;  // of the first session
    auto step = session({.variant = {.stream = true, .frames = window}});
    const GraphOptions options{.stream = true, .frames = window};
    std::vector<std::pair<std::string, Tensor>> inputs = {{"input_values", Tensor()}};
    std::vector<std::string> outputs = {"logits"};
    for (const auto& port : step.inputs()) {
      if (!port.name.starts_with("state/")) continue;
      Shape shape = port.shape;
      shape[0] = 1;
      inputs.emplace_back(port.name, Tensor::from(std::vector<float>(core::numel(shape)), shape));
      outputs.push_back("next_" + port.name);
    }
    const auto part = [&](std::int64_t first, std::int64_t count) {
      const auto values = frames.as<float>().subspan(static_cast<std::size_t>(first * 128),
                                                     static_cast<std::size_t>(count * 128));
      return Tensor::from(std::vector<float>(values.begin(), values.end()), {1, count, 128});
    };
    int scores = 0;
    for (std::int64_t hop = 0; hop < 1024 / 16; ++hop) {
      inputs[0].second = part(16 * hop, 16);
      auto found = step.run(inputs, outputs);
      ASSERT_THAT(found, IsOk());
      for (std::size_t i = 1; i < inputs.size(); ++i) inputs[i].second = (*found)[i];
      const std::int64_t k = hop - model::warm_up_hops(options);
      if (k < 0 || 16 * k + window > 1024) continue;
      const auto want = run(whole, "input_values", part(16 * k, window));
      const auto logits = (*found)[0].as<float>();
      EXPECT_LT(scaled_difference(logits, std::vector<double>(want.begin(), want.end())), 1e-5)
          << "window " << window << " score " << k;
      ++scores;
    }
    EXPECT_GT(scores, 50);
  }
}

TEST_F(CompactNetwork, WaveformGraphsTakeClipsOfAnyLength) {
  auto opened = session({.variant = {.waveform = true}});
  for (const std::size_t samples : {400U, 560U, 8000U, 15999U, 32000U, 200000U}) {
    const auto sound = test_sound(1, samples);
    const auto length = static_cast<std::int64_t>(samples);
    const Tensor waveform = Tensor::from(sound, {1, length});
    Reference op;
    const auto want = model::forward(op, loaded_.network, {.waveform = true, .frames = 1024},
                                     Reference::input(model::to_array(waveform)));
    EXPECT_LT(scaled_difference(run(opened, "waveform", waveform), want->data), 1e-4) << samples;
  }
}

TEST_F(CompactNetwork, EveryGraphIsSoundAtEveryOpset) {
  for (std::int64_t opset = onnx::kOldestEmittedOpset; opset <= onnx::kNewestEmittedOpset;
       ++opset) {
    for (const bool waveform : {false, true}) {
      for (const bool stream : {false, true}) {
        const auto proto = build_model(
            loaded_, {.opset = opset, .variant = {.waveform = waveform, .stream = stream}});
        ASSERT_THAT(proto, IsOk());
        EXPECT_THAT(onnx::check_model(*proto, "").findings, ::testing::IsEmpty())
            << opset << " " << waveform << stream;
      }
    }
  }
}

TEST_F(CompactNetwork, ExportWritesTheContract) {
  const test::TemporaryFolder folder;
  const auto report = export_onnx(data("compact/computer.pt"), folder / "c.onnx",
                                  {.variant = {.waveform = true, .stream = true}});
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->validation.passed);
  EXPECT_EQ(report->graph, "compact");
  EXPECT_LT(report->bytes, 2'400'000U);
  const auto proto = onnx::read_model(folder / "c.onnx");
  ASSERT_THAT(proto, IsOk());
  EXPECT_EQ(*proto->metadata("warm_up_hops"), "9");
  EXPECT_EQ(*proto->metadata("hop_frames"), "16");
  EXPECT_EQ(*proto->metadata("frames"), "160");
  EXPECT_EQ(*proto->metadata("feature_mean"), "-4.2677393");
  EXPECT_THAT(*proto->metadata("states"),
              ::testing::HasSubstr(R"({"input":"state/front_end/samples",)"
                                   R"("output":"next_state/front_end/samples",)"
                                   R"("shape":["batch",320],"first_value":0})"));
}

TEST_F(CompactNetwork, RefusesGraphsThatItDoesNotHave) {
  EXPECT_THAT(build_model(loaded_, {.variant = {.frames = 75}}),
              HasError(ErrorCode::kInvalidArgument, "frames: expected 76 to 65536, found 75"));
  const test::TemporaryFolder folder;
  EXPECT_THAT(export_onnx(data("compact/computer.pt"), folder / "c.onnx", {.graph = "head"}),
              HasError(ErrorCode::kInvalidArgument,
                       "expected the graph head, found one of compact in the checkpoint"));
  EXPECT_THAT(export_onnx(data("checkpoints/combos/plain.pt"), folder / "c.onnx",
                          {.variant = {.stream = true}}),
              HasError(ErrorCode::kInvalidArgument, "the graph head takes embeddings"));
}

// ---- damaged checkpoints ----

struct Damage {
  const char* name;
  Shape shape;
  float fill;
  ErrorCode code;
  const char* message;
};

TEST_F(CompactNetwork, NamesTheTensorThatDoesNotFit) {
  const auto file = checkpoint::read(data("compact/computer.pt"));
  ASSERT_THAT(file, IsOk());
  const auto state = checkpoint::find_state_dict(*file);
  ASSERT_THAT(state, IsOk());
  for (const Damage& damage : {
           Damage{"backbone.conv4.weight",
                  {48, 48, 3, 2},
                  0,
                  ErrorCode::kMismatch,
                  "backbone.conv_4.weight: expected [48, 48, 3, 1], found [48, 48, 3, 2]"},
           Damage{"bridge",
                  {128, 33},
                  0,
                  ErrorCode::kMismatch,
                  "bridge: expected [128, 32], found [128, 33]"},
           Damage{"head.att_position",
                  {4, 4},
                  0,
                  ErrorCode::kMismatch,
                  "head.attention.position: expected an odd window of tokens, found 4"},
           Damage{"head.att_position",
                  {5, 3},
                  0,
                  ErrorCode::kMismatch,
                  "heads says 4, but this network has 3"},
           Damage{"head.fc2.bias",
                  {128},
                  NAN,
                  ErrorCode::kCorrupt,
                  "head.classifier.1.bias: expected finite numbers, found NaN"},
           Damage{"head.att_norm.running_var",
                  {128},
                  -1,
                  ErrorCode::kCorrupt,
                  "head.attention.norm.running_var: expected variances, found -1 at element 0"},
           Damage{"head.extra", {1}, 0, ErrorCode::kMismatch, "found also head.extra"},
       }) {
    model::NamedTensors tensors = state->tensors;
    std::erase_if(tensors, [&](const auto& item) { return item.first == damage.name; });
    tensors.emplace_back(
        damage.name,
        Tensor::from(std::vector<float>(core::numel(damage.shape), damage.fill), damage.shape));
    EXPECT_THAT(model::load_compact(tensors, state->metadata),
                HasError(damage.code, damage.message));
  }
  model::NamedTensors torn = state->tensors;
  std::erase_if(torn, [](const auto& item) { return item.first == "backbone.conv7.bias"; });
  EXPECT_THAT(
      model::load_compact(torn, state->metadata),
      HasError(ErrorCode::kMismatch, "backbone.conv_7.bias: expected [72], found no such tensor"));
}

}  // namespace
}  // namespace wakebuilder::pipeline
