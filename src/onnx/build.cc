#include "wakebuilder/onnx/build.h"

#include <algorithm>

#include "wakebuilder/onnx/emitter.h"

namespace wakebuilder::onnx {
namespace {

Dimension named(std::string name) { return {.value = std::nullopt, .param = std::move(name)}; }
Dimension fixed(std::int64_t value) { return {.value = value, .param = {}}; }

bool is_within(const std::string& node, const std::string& layer) {
  return node.starts_with(layer) && (node.size() == layer.size() || node[layer.size()] == '/');
}

}  // namespace

ModelProto build_head(const model::Head<model::Parameter>& head, const model::HeadConfig& config,
                      std::int64_t opset) {
  Emitter emitter(opset);
  const auto embeddings =
      emitter.input("embeddings", {named("batch"), fixed(config.embedding_dim)});
  const auto logits = model::forward(emitter, head, config, embeddings);
  emitter.output("logits", logits, {named("batch"), fixed(model::kClasses)});
  return emitter.finish("head");
}

std::vector<std::pair<std::string, std::string>> layer_values(const ModelProto& model,
                                                              std::span<const std::string> layers) {
  std::vector<std::pair<std::string, std::string>> values;
  if (!model.graph) return values;
  const auto& nodes = model.graph->nodes;
  for (const std::string& layer : layers) {
    const auto last = std::find_if(nodes.rbegin(), nodes.rend(), [&](const NodeProto& node) {
      return is_within(node.name, layer) && node.outputs.size() == 1;
    });
    if (last != nodes.rend()) values.emplace_back(layer, last->outputs[0]);
  }
  return values;
}

ModelProto expose(ModelProto model,
                  std::span<const std::pair<std::string, std::string>> layer_values) {
  auto& outputs = model.graph->outputs;
  for (const auto& [layer, value] : layer_values) {
    const auto same = [&value = value](const ValueInfoProto& info) { return info.name == value; };
    if (std::none_of(outputs.begin(), outputs.end(), same)) {
      outputs.push_back(float_value(value, std::nullopt));
    }
  }
  return model;
}

}  // namespace wakebuilder::onnx
