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

Emitter::Value begin(Emitter& emitter, const model::Network& network,
                     const model::GraphOptions& options) {
  if (options.stream) emitter.begin_stream();
  const model::GraphInput input = model::input_of(network, options);
  std::vector<Dimension> shape = {named("batch")};
  for (const std::int64_t size : input.row)
    shape.push_back(size < 0 ? named("samples") : fixed(size));
  return emitter.input(input.name, std::move(shape));
}

void end(Emitter& emitter, const std::string& name, const Emitter::Value& logits) {
  emitter.output(name, logits, {named("batch"), fixed(model::kClasses)});
}

}  // namespace

ModelProto build(const model::Network& network, const model::GraphOptions& options,
                 std::int64_t opset) {
  Emitter emitter(opset);
  const auto x = begin(emitter, network, options);
  end(emitter, "logits", model::forward(emitter, network, options, x));
  return emitter.finish(model::graph_name(network));
}

ModelProto build_shared(std::vector<model::CompactClassifier> networks,
                        const model::GraphOptions& options, std::int64_t opset) {
  WAKEBUILDER_EXPECT(!networks.empty());
  Emitter emitter(opset);
  const auto x = begin(emitter, networks[0], options);
  const auto tokens = model::tokens_of_sound(emitter, networks[0], options, x);
  for (std::size_t i = 0; i < networks.size(); ++i) {
    auto& network = networks[i].network;
    const auto& config = networks[i].config;
    const std::string name = "head_" + std::to_string(i);
    const auto scope = emitter.scope(name);
    model::visit(network, config, [&](const auto&, model::Parameter& weight, const auto&) {
      weight.name = name + "." + weight.name;  // heads have the same names
    });
    end(emitter, "logits/" + std::to_string(i),
        model::classify(emitter, network, config, tokens.values, tokens.mask));
  }
  return emitter.finish("shared");
}

std::vector<Emitter::State> states_of(const ModelProto& model) {
  constexpr std::string_view kPrefix = "state/";
  std::vector<Emitter::State> states;
  for (const ValueInfoProto& info : model.graph->inputs) {
    if (!info.name.starts_with(kPrefix) || !info.type || !info.type->shape) continue;
    Emitter::State state{.input = info.name, .output = "next_" + info.name, .shape = {}};
    for (const Dimension& dim : *info.type->shape) state.shape.push_back(dim.value.value_or(0));
    states.push_back(std::move(state));
  }
  return states;
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
