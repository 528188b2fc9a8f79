#include "pipeline/exported_network.h"

#include <charconv>
#include <string>
#include <string_view>

#include "wakebuilder/core/checked.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/emitter.h"
#include "wakebuilder/onnx/write.h"

namespace wakebuilder::pipeline {
namespace {

template <class T>
std::optional<T> number(const std::string* text) {
  if (text == nullptr) return std::nullopt;
  T value = 0;
  const char* const last = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), last, value);
  if (error != std::errc() || end != last) return std::nullopt;
  return value;
}

/// What load_compact() wants to know beyond the tensors.
core::Value settings(const onnx::ModelProto& model) {
  core::Dict settings;
  for (const char* key : {"feature_mean", "feature_std", "threshold"})
    if (const auto value = number<double>(model.metadata(key))) settings.emplace_back(key, *value);
  if (const std::string* word = model.metadata("wake_word"))
    settings.emplace_back("wake_word", *word);
  return settings;
}

bool is_weight(const onnx::TensorProto& tensor) {
  const auto begins = [&](std::string_view prefix) { return tensor.name.starts_with(prefix); };
  return tensor.data_type == onnx::kFloat && tensor.raw_data &&
         (tensor.name == "bridge" || begins("backbone.") || begins("head."));
}

/// The weights of the graph, copied: in the file they need not be aligned.
model::NamedTensors weights_of(const onnx::GraphProto& graph) {
  model::NamedTensors weights;
  for (const onnx::TensorProto& tensor : graph.initializers) {
    if (!is_weight(tensor)) continue;
    const auto bytes = tensor.raw_data->bytes;
    const auto count = core::element_count(tensor.dims);
    if (!count || *count != bytes.size() / sizeof(float) || bytes.size() % sizeof(float) != 0)
      continue;
    weights.emplace_back(tensor.name, core::Tensor::from_bytes(core::DType::kFloat32, tensor.dims,
                                                               {bytes.begin(), bytes.end()}));
  }
  return weights;
}

std::optional<std::int64_t> emitted_opset(const onnx::ModelProto& model) {
  const auto opset = model.opset();
  const bool is_known =
      opset && *opset >= onnx::kOldestEmittedOpset && *opset <= onnx::kNewestEmittedOpset;
  return is_known ? opset : std::nullopt;
}

/// The same graph, whoever made it and whatever the metadata say.
bool is_same_graph(const onnx::ModelProto& found, onnx::ModelProto built) {
  built.metadata_props = found.metadata_props;
  built.producer_name = found.producer_name;
  built.producer_version = found.producer_version;
  return onnx::serialize(built) == onnx::serialize(found);
}

}  // namespace

std::optional<ExportedNetwork> exported_network(const onnx::ModelProto& model) {
  const auto opset = emitted_opset(model);
  const auto frames = number<std::int64_t>(model.metadata("frames"));
  const bool is_ours = model.says("graph", "compact") && model.says("precision", "float32");
  if (!is_ours || !model.graph || !opset || !frames) return std::nullopt;
  auto network = model::load_compact(weights_of(*model.graph), settings(model));
  if (!network) return std::nullopt;
  const auto variant = model::resolve(*network, {.waveform = model.says("input", "waveform"),
                                                 .stream = model.says("stream", "true"),
                                                 .frames = *frames});
  if (!variant || !is_same_graph(model, onnx::build(*network, *variant, *opset)))
    return std::nullopt;
  return ExportedNetwork{.network = *std::move(network), .variant = *variant, .opset = *opset};
}

}  // namespace wakebuilder::pipeline
