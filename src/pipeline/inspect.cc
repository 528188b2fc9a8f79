#include "wakebuilder/pipeline/inspect.h"

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/core/checked.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/model/network.h"
#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/print.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/onnx/svg.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using core::Tensor;
using core::Value;

std::size_t elements(const std::vector<TensorSummary>& tensors) {
  std::uint64_t total = 0;
  for (const TensorSummary& tensor : tensors)
    total += core::element_count(tensor.shape).value_or(0);
  return total;
}

// ---- checkpoints ----

TensorSummary summarise(const std::string& name, const Tensor& tensor) {
  return {
      .name = name, .dtype = std::string(core::to_string(tensor.dtype())), .shape = tensor.shape()};
}

std::string key_text(const Value& key) {
  if (const auto* text = key.get_if<std::string>()) return *text;
  if (const auto* number = key.get_if<std::int64_t>()) return std::to_string(*number);
  return std::string(key.type_name());
}

/// Moves the tensors of a tree into a list, each under its path ("state/0/exp_avg"), and returns
/// the rest.
Value separate(const Value& value, const std::string& path, std::vector<TensorSummary>& tensors) {
  const auto below = [&](const std::string& name) {
    return path.empty() ? name : path + "/" + name;
  };
  const auto separate_items = [&](const core::List& items) {
    core::List rest;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const bool is_tensor = items[i].get_if<Tensor>() != nullptr;
      Value item = separate(items[i], below(std::to_string(i)), tensors);
      if (!is_tensor) rest.push_back(std::move(item));
    }
    return rest;
  };
  if (const auto* tensor = value.get_if<Tensor>()) {
    tensors.push_back(summarise(path, *tensor));
    return {};
  }
  if (const auto* list = value.get_if<core::List>()) return separate_items(*list);
  if (const auto* tuple = value.get_if<core::Tuple>())
    return core::Tuple{separate_items(tuple->items)};
  const auto* dict = value.get_if<core::Dict>();
  if (dict == nullptr) return value;
  core::Dict rest;
  for (const auto& [key, item] : *dict) {
    Value other = separate(item, below(key_text(key)), tensors);
    if (item.get_if<Tensor>() == nullptr) rest.emplace_back(key, std::move(other));
  }
  return rest;
}

std::string describe(const model::Classifier& classifier) {
  const model::HeadConfig& config = classifier.config;
  std::string text = "WakeBuilder head " + std::to_string(config.embedding_dim);
  for (const std::int64_t width : config.hidden_dims) text += " → " + std::to_string(width);
  text += " → 2";
  if (config.use_attention) text += ", attention";
  if (config.use_se_block) text += ", SE";
  if (config.use_tcn) text += ", TCN";
  if (classifier.has_backbone) text += "; with its AST backbone";
  return text;
}

std::string describe(const model::CompactClassifier& classifier) {
  const model::CompactConfig& config = classifier.config;
  std::string text = "compact network: speech embedding → attention pooling " +
                     std::to_string(config.heads) + " × " + std::to_string(config.window) +
                     " → SE → TCN " + core::to_string(config.dilations) + " → " +
                     std::to_string(config.width);
  for (const std::int64_t width : config.hidden_dims) text += " → " + std::to_string(width);
  return text + " → 2";
}

std::string describe(const model::AstClassifier& network) {
  const model::AstConfig& config = network.config;
  const auto* head = std::get_if<model::Classifier>(&network.head);
  return "Audio Spectrogram Transformer " + std::to_string(config.hidden_size) + ", " +
         std::to_string(config.num_hidden_layers) + " layers, " +
         std::to_string(config.num_attention_heads) + " heads, " +
         std::to_string(config.max_length) + " frames; " +
         (head != nullptr ? describe(*head) : "classifier of transformers, 2 labels");
}

std::string describe_architecture(const checkpoint::StateDict& state) {
  const auto network = model::load_network(state.tensors, state.metadata);
  if (network) return std::visit([](const auto& known) { return describe(known); }, *network);
  return (model::is_compact(state.tensors) ? "not a compact network: "
                                           : "not a WakeBuilder head: ") +
         network.error().message;
}

Inspection inspect_checkpoint(const checkpoint::Checkpoint& file) {
  Inspection inspection;
  inspection.format = checkpoint::to_string(file.format);
  inspection.bytes = file.file->bytes().size();
  if (const auto state = checkpoint::find_state_dict(file)) {
    for (const auto& [name, tensor] : state->tensors)
      inspection.tensors.push_back(summarise(name, tensor));
    inspection.metadata = state->metadata;
    inspection.architecture = describe_architecture(*state);
  } else {
    inspection.metadata = separate(file.root, "", inspection.tensors);
    inspection.architecture = "not a WakeBuilder head: " + state.error().message;
  }
  const auto* file_metadata = file.file_metadata.get_if<core::Dict>();
  if (file_metadata != nullptr && !file_metadata->empty() &&
      inspection.metadata.get_if<core::Dict>() != nullptr) {
    inspection.metadata.set("__metadata__", file.file_metadata);
  }
  inspection.parameters = elements(inspection.tensors);
  return inspection;
}

// ---- ONNX models ----

PortSummary summarise(const onnx::ValueInfoProto& info) {
  PortSummary port{.name = info.name, .dtype = "?", .shape = {}};
  if (!info.type) return port;
  port.dtype =
      info.type->kind == "tensor" ? onnx::element_type_name(info.type->elem_type) : info.type->kind;
  if (!info.type->shape) return port;
  for (const onnx::Dimension& dim : *info.type->shape) {
    const std::string unnamed = dim.param.empty() ? "?" : dim.param;
    port.shape.push_back(dim.value ? std::to_string(*dim.value) : unnamed);
  }
  return port;
}

void add_graph(const onnx::GraphProto& graph, Inspection& inspection) {
  for (const auto& tensor : graph.initializers) {
    inspection.tensors.push_back({.name = tensor.name,
                                  .dtype = onnx::element_type_name(tensor.data_type),
                                  .shape = tensor.dims});
  }
  inspection.parameters = elements(inspection.tensors);
  for (const auto& info : graph.inputs) inspection.inputs.push_back(summarise(info));
  for (const auto& info : graph.outputs) inspection.outputs.push_back(summarise(info));
  inspection.nodes = graph.nodes.size();
  inspection.operators = onnx::count_operators(graph);
  inspection.graph_text = onnx::printable_graph(graph);
}

Inspection inspect_model(const onnx::ModelProto& model, std::uint64_t bytes) {
  Inspection inspection;
  inspection.format = "ONNX";
  inspection.bytes = bytes;
  inspection.opset = model.opset().value_or(0);
  inspection.ir_version = model.ir_version;
  inspection.producer =
      model.producer_name + (model.producer_version.empty() ? "" : " " + model.producer_version);
  for (const auto& [key, text] : model.metadata_props) inspection.metadata.set(key, text);
  if (model.graph) add_graph(*model.graph, inspection);
  return inspection;
}

/// Of two refusals, the one that belongs to what the file says it is.
tl::unexpected<Error> refuse(const fs::path& file, Error as_checkpoint, Error as_model) {
  return fail(file.extension() == ".onnx" ? std::move(as_model) : std::move(as_checkpoint));
}

}  // namespace

Result<Inspection> inspect(const fs::path& file) {
  auto checkpoint = checkpoint::read(file);
  if (checkpoint) return inspect_checkpoint(*checkpoint);
  const auto model = onnx::read_model(file);
  if (!model) return refuse(file, std::move(checkpoint).error(), model.error());
  std::error_code error;
  return inspect_model(*model, fs::file_size(file, error));
}

Result<std::string> draw(const fs::path& file) {
  const auto model = onnx::read_model(file);
  if (!model) {
    if (checkpoint::read(file)) {
      return fail(ErrorCode::kUnsupported,
                  core::shown(file) +
                      ": expected an .onnx file to draw, found a checkpoint; export it first");
    }
    return fail(model.error());
  }
  if (!model->graph) return fail(ErrorCode::kCorrupt, core::shown(file) + ": has no graph to draw");
  std::vector<onnx::ValueInfoProto> types;
  if (core::passes(onnx::check_structure(*model, file.parent_path()).findings)) {
    types = onnx::infer_types(*model);
  }
  return onnx::to_svg(*model->graph, types);
}

}  // namespace wakebuilder::pipeline
