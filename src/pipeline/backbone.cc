#include "wakebuilder/pipeline/backbone.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/sha256.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/model/compact.h"
#include "wakebuilder/model/fold.h"
#include "wakebuilder/model/front_end.h"
#include "wakebuilder/model/load_compact.h"
#include "wakebuilder/model/reference.h"
#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/pipeline/compare.h"
#include "wakebuilder/runtime/session.h"

#include "pipeline/test_sound.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using core::Shape;
using core::Tensor;

// ---- the foreign file's names ----

constexpr const char* kFirstKernel =
    "model/conv2d/StatefulPartitionedCall/StatefulPartitionedCall/Conv2D/ReadVariableOp:0";
constexpr const char* kLastKernel = "model/conv2d_19/Conv2D/ReadVariableOp:0";
constexpr const char* kNorm = "model/batch_normalization/";

std::string kernel_name(std::size_t layer) {
  if (layer == 0) return kFirstKernel;
  if (layer + 1 == model::kEmbeddingLayerCount) return kLastKernel;
  return "model/conv2d_" + std::to_string(layer) + "/Conv2D_weights_fused_bn";
}

std::string bias_name(std::size_t layer) {
  return "model/conv2d_" + std::to_string(layer) + "/Conv2D_bias_fused_bn";
}

/// A float32 initialiser of this name and shape.
Result<Tensor> initialiser(const onnx::ModelProto& proto, const std::string& name,
                           const Shape& shape) {
  const auto& all = proto.graph->initializers;
  const auto found =
      std::ranges::find_if(all, [&](const auto& tensor) { return tensor.name == name; });
  const auto expected = [&](const std::string& what) {
    return fail(ErrorCode::kMismatch, core::quote(name) + ": expected float32 " +
                                          core::to_string(shape) +
                                          " of the speech embedding, found " + what);
  };
  if (found == all.end()) return expected("no such weight");
  if (found->data_type != onnx::kFloat) return expected(onnx::element_type_name(found->data_type));
  if (found->dims != shape) return expected(core::to_string(found->dims));
  std::vector<float> values = found->float_data;
  if (found->raw_data) {
    values.resize(found->raw_data->bytes.size() / sizeof(float));
    std::memcpy(values.data(), found->raw_data->bytes.data(), values.size() * sizeof(float));
  }
  if (values.size() != core::numel(shape))
    return expected(std::to_string(values.size()) + " numbers");
  return Tensor::from(std::move(values), shape);
}

Result<model::Norm<model::Parameter>> first_norm(const onnx::ModelProto& proto) {
  const Shape shape = {model::kEmbeddingLayers[0].out};
  model::BatchNorm<model::Parameter> norm;
  const auto take = [&](model::Parameter& weight, const std::string& name) -> Result<void> {
    WAKEBUILDER_TRY(weight.tensor, initialiser(proto, kNorm + name, shape));
    weight.name = "norm_0.weight";
    return {};
  };
  WAKEBUILDER_CHECK(take(norm.weight, "ReadVariableOp:0"));
  WAKEBUILDER_CHECK(take(norm.bias, "ReadVariableOp_1:0"));
  WAKEBUILDER_CHECK(take(norm.mean, "FusedBatchNormV3/ReadVariableOp:0"));
  WAKEBUILDER_CHECK(take(norm.variance, "FusedBatchNormV3/ReadVariableOp_1:0"));
  return model::fold(norm, model::kEmbeddingNormEpsilon);
}

/// The weights under our names, in the order of model::visit.
Result<model::NamedTensors> take_weights(const onnx::ModelProto& proto) {
  if (!proto.graph) return fail(ErrorCode::kMismatch, "expected a graph, found none");
  model::NamedTensors tensors;
  for (std::size_t i = 0; i < model::kEmbeddingLayerCount; ++i) {
    const model::EmbeddingLayer& layer = model::kEmbeddingLayers[i];
    const std::string name = "conv_" + std::to_string(i);
    WAKEBUILDER_TRY(auto kernel, initialiser(proto, kernel_name(i),
                                             {layer.out, layer.in, layer.time, layer.bins}));
    tensors.emplace_back(name + ".weight", std::move(kernel));
    if (i == 0) {
      WAKEBUILDER_TRY(auto norm, first_norm(proto));
      tensors.emplace_back("norm_0.weight", norm.weight.tensor);
      tensors.emplace_back("norm_0.bias", norm.bias.tensor);
    } else if (i + 1 < model::kEmbeddingLayerCount) {
      WAKEBUILDER_TRY(auto bias, initialiser(proto, bias_name(i), {layer.out}));
      tensors.emplace_back(name + ".bias", std::move(bias));
    }
  }
  return tensors;
}

// ---- the proof ----

/// log10 mel powers as the embedding hears them, [windows, 1, 76, 32], of several sounds. Which
/// filters made them does not matter here; their range does.
Tensor test_windows() {
  constexpr std::int64_t kWindows = 5;
  std::vector<float> values;
  for (std::size_t row = 0; row < static_cast<std::size_t>(kWindows); ++row) {
    model::Reference op;
    const auto sound = test_sound(row, 24000);
    model::Array samples{{1, static_cast<std::int64_t>(sound.size())},
                         {sound.begin(), sound.end()}};
    model::Timeline time(model::kFrameShift * model::kHopFrames);
    const auto log_mel =
        model::log_mel_features(op, model::make_front_end(), {.mean = 0, .std = 0.5},
                                model::Reference::input(std::move(samples)), time);
    for (std::int64_t frame = 40; frame < 40 + model::kEmbeddingFrames; ++frame) {
      for (std::int64_t bin = 0; bin < model::kEmbeddingBins; ++bin) {
        const auto at = static_cast<std::size_t>(frame * model::kFeatureBins + 4 * bin);
        // from ln to log10, from ±1 to 16 bits, and + 2 as the embedding's front end has it
        values.push_back(static_cast<float>(log_mel->data[at] * 0.4343 + 9.03 + 2.0));
      }
    }
  }
  return Tensor::from(std::move(values),
                      {kWindows, 1, model::kEmbeddingFrames, model::kEmbeddingBins});
}

Result<Tensor> run_original(runtime::Session& session, const Tensor& windows) {
  if (session.inputs().size() != 1 || session.outputs().size() != 1) {
    return fail(ErrorCode::kMismatch, "expected one input and one output, found " +
                                          std::to_string(session.inputs().size()) + " and " +
                                          std::to_string(session.outputs().size()));
  }
  const auto values = windows.as<float>();
  const std::pair<std::string, Tensor> input = {
      session.inputs()[0].name,
      Tensor::from(std::vector<float>(values.begin(), values.end()),
                   {windows.shape()[0], model::kEmbeddingFrames, model::kEmbeddingBins, 1})};
  const std::string output = session.outputs()[0].name;
  WAKEBUILDER_TRY(auto found, session.run({&input, 1}, {&output, 1}));
  if (found[0].size() == static_cast<std::size_t>(windows.shape()[0] * model::kEmbeddingDim))
    return std::move(found[0]);
  return fail(ErrorCode::kMismatch, "expected embeddings of " +
                                        std::to_string(model::kEmbeddingDim) + " numbers, found " +
                                        core::to_string(found[0].shape()));
}

Result<void> prove(const fs::path& input, const model::NamedTensors& tensors,
                   const fs::path& onnxruntime, BackboneReport& report) {
  WAKEBUILDER_TRY(const auto embedding, model::load_speech_embedding(tensors));
  WAKEBUILDER_TRY(const auto library, runtime::OnnxRuntime::load(onnxruntime));
  WAKEBUILDER_TRY(auto session, runtime::Session::open(library, input));
  const Tensor windows = test_windows();
  WAKEBUILDER_TRY(const auto original, run_original(session, windows));
  model::Reference op;
  model::Timeline time(model::kHopFrames);
  const auto ours =
      model::forward(op, embedding, model::Reference::input(model::to_array(windows)), time);
  Difference difference;
  for (std::size_t i = 0; i < ours->data.size(); ++i)
    difference.include(static_cast<double>(original.as<float>()[i]), ours->data[i]);
  report.compared_with = "ONNX Runtime " + library->version();
  report.max_scaled_diff = difference.max_scaled_diff;
  if (difference.max_scaled_diff <= kBackboneTolerance) return {};
  return fail(ErrorCode::kCheckFailed, "embeddings differ from the original's by " +
                                           core::to_text(difference.max_scaled_diff) +
                                           " · max(1, |x|), allowed " +
                                           core::to_text(kBackboneTolerance));
}

Result<void> check_replaceable(const fs::path& input, const fs::path& output, bool force) {
  std::error_code error;
  if (fs::equivalent(input, output, error) && !error) {
    return fail(ErrorCode::kInvalidArgument,
                core::shown(output) + ": is the input and cannot be the output");
  }
  if (output.extension() != ".safetensors") {
    return fail(ErrorCode::kInvalidArgument,
                core::shown(output) + ": expected a name that ends in .safetensors");
  }
  if (force || !fs::exists(output, error) || checkpoint::read(output)) return {};
  return fail(ErrorCode::kInvalidArgument, core::shown(output) +
                                               ": is there already and is no checkpoint; choose "
                                               "another name, or --force to overwrite it");
}

Result<void> write(const model::NamedTensors& tensors, BackboneReport& report) {
  core::Value root = core::Dict{};
  for (const auto& [name, tensor] : tensors) {
    root.set(name, tensor);
    report.parameters += tensor.size();
  }
  report.tensors = tensors.size();
  const core::Value origin =
      core::Dict{{"origin", "Google speech_embedding, as in openwakeword's embedding_model.onnx"},
                 {"license", "Apache-2.0"},
                 {"source_sha256", report.source_sha256}};
  WAKEBUILDER_TRY(auto staged, core::StagedFile::create(report.output));
  WAKEBUILDER_CHECK(checkpoint::write_safetensors(staged, root, origin));
  WAKEBUILDER_CHECK(load_backbone(staged.path()));
  std::error_code error;
  report.bytes = fs::file_size(staged.path(), error);
  return staged.publish();
}

}  // namespace

Result<BackboneReport> import_backbone(const fs::path& input, const fs::path& output, bool force,
                                       const fs::path& onnxruntime) {
  WAKEBUILDER_CHECK(check_replaceable(input, output, force));
  WAKEBUILDER_TRY(const auto mapped, core::MappedFile::open(input));
  WAKEBUILDER_TRY(const auto proto, onnx::read_model(input));
  BackboneReport report;
  report.output = output;
  report.source_sha256 = core::sha256_hex(mapped->bytes());
  auto tensors = take_weights(proto);
  if (!tensors) return fail_in(core::shown(input), std::move(tensors).error());
  const auto checked = onnx::check_model(proto, input.parent_path());
  if (!core::passes(checked.findings)) {
    return fail(ErrorCode::kCheckFailed,
                core::shown(input) + ": is not sound; wakebuilder validate says why");
  }
  if (auto proved = prove(input, *tensors, onnxruntime, report); !proved)
    return fail_in(core::shown(input), std::move(proved).error());
  WAKEBUILDER_CHECK(write(*tensors, report));
  return report;
}

Result<fs::path> find_backbone(const fs::path& wanted) {
  if (!wanted.empty()) return wanted;
  const char* variable = std::getenv("WAKEBUILDER_BACKBONE");  // NOLINT(concurrency-mt-unsafe)
  if (variable != nullptr && *variable != '\0') return variable;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  const fs::path name = fs::path("speech-embedding") / "embedding_model.onnx";
  for (const fs::path& share : {program.parent_path() / "share", fs::path(WAKEBUILDER_SHARE)})
    if (fs::exists(share / name, error)) return share / name;
  return fail(
      ErrorCode::kUnavailable,
      "expected Google's speech embedding, found none: scripts/setup.sh fetches it; or name "
      "the file with --backbone or WAKEBUILDER_BACKBONE");
}

Result<model::SpeechEmbedding<model::Parameter>> load_backbone(const fs::path& file) {
  const auto build = [&]() -> Result<model::SpeechEmbedding<model::Parameter>> {
    if (file.extension() == ".onnx") {
      WAKEBUILDER_TRY(const auto proto, onnx::read_model(file));
      WAKEBUILDER_TRY(const auto tensors, take_weights(proto));
      return model::load_speech_embedding(tensors);
    }
    WAKEBUILDER_TRY(const auto read, checkpoint::read(file));
    WAKEBUILDER_TRY(const auto state, checkpoint::find_state_dict(read));
    return model::load_speech_embedding(state.tensors);
  };
  auto embedding = build();
  if (!embedding) return fail_in(core::shown(file), std::move(embedding).error());
  return embedding;
}

}  // namespace wakebuilder::pipeline
