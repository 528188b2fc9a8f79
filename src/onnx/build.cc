#include "wakebuilder/onnx/build.h"

#include <algorithm>
#include <utility>

#include "wakebuilder/core/expect.h"
#include "wakebuilder/model/fold.h"
#include "wakebuilder/model/stacked_heads.h"
#include "wakebuilder/onnx/emitter.h"

namespace wakebuilder::onnx {
namespace {

Dimension named(std::string name) { return {.value = std::nullopt, .param = std::move(name)}; }
Dimension fixed(std::int64_t value) { return {.value = value, .param = {}}; }

bool is_within(const std::string& node, const std::string& layer) {
  return node.starts_with(layer) && (node.size() == layer.size() || node[layer.size()] == '/');
}

Emitter::Value begin(Emitter& emitter, const model::Network& network,
                     const model::GraphOptions& options, Dimension batch) {
  if (options.stream) emitter.begin_stream();
  const model::GraphInput input = model::input_of(network, options);
  std::vector<Dimension> shape = {std::move(batch)};
  for (const std::int64_t size : input.row)
    shape.push_back(size < 0 ? named("samples") : fixed(size));
  return emitter.input(input.name, std::move(shape));
}

/// Logits [networks, 2] of networks with the same config.
Emitter::Value stacked_logits(Emitter& emitter, std::span<const model::CompactClassifier> networks,
                              const model::HopTokens<Emitter>& hop, const std::string& name) {
  std::vector<model::Compact<model::Parameter>> folded;
  folded.reserve(networks.size());
  for (const auto& network : networks) folded.push_back(model::fold(network.network));
  std::vector<const model::Compact<model::Parameter>*> heads;
  heads.reserve(folded.size());
  for (const auto& network : folded) heads.push_back(&network);
  const model::CompactConfig& config = networks[0].config;
  const auto scope = emitter.scope(name);
  return model::classify(emitter, model::stack_heads(heads, config, hop.window.count, name), config,
                         hop, static_cast<std::int64_t>(heads.size()));
}

}  // namespace

ModelProto build(const model::Network& network, const model::GraphOptions& options,
                 std::int64_t opset) {
  Emitter emitter(opset);
  const auto x = begin(emitter, network, options, named("batch"));
  emitter.output("logits", model::forward(emitter, network, options, x),
                 {named("batch"), fixed(model::kClasses)});
  return emitter.finish(model::graph_name(network));
}

ModelProto build_shared(std::span<const model::CompactClassifier> networks,
                        const model::GraphOptions& options, std::int64_t opset) {
  WAKEBUILDER_EXPECT(!networks.empty() && options.stream);
  Emitter emitter(opset);
  const auto x = begin(emitter, networks[0], options, fixed(1));
  const auto hop = model::tokens_of_sound(emitter, networks[0], options, x);
  std::vector<Emitter::Value> logits;
  for (auto rest = networks; !rest.empty();) {
    const auto other = std::ranges::find_if(
        rest, [&](const auto& network) { return network.config != rest[0].config; });
    const auto stack = rest.first(static_cast<std::size_t>(other - rest.begin()));
    logits.push_back(stacked_logits(emitter, stack, hop, "stack_" + std::to_string(logits.size())));
    rest = rest.subspan(stack.size());
  }
  const auto all = logits.size() == 1 ? logits[0] : emitter.concat("logits_of_all", logits, 0);
  emitter.output("logits", all,
                 {fixed(static_cast<std::int64_t>(networks.size())), fixed(model::kClasses)});
  return emitter.finish("shared");
}

ModelProto build_tokens(const model::CompactClassifier& network, std::int64_t frames,
                        std::int64_t opset) {
  WAKEBUILDER_EXPECT(frames >= model::kEmbeddingFrames);
  Emitter emitter(opset);
  const auto x = begin(emitter, network, {.frames = frames}, named("batch"));
  emitter.output("tokens",
                 model::tokens_of_sound(emitter, network, {.frames = frames}, x).fresh.values,
                 {named("batch"), fixed(model::kEmbeddingDim), fixed(model::tokens_of(frames))});
  return emitter.finish("tokens");
}

ModelProto build_head(const model::CompactClassifier& network, std::int64_t opset) {
  Emitter emitter(opset);
  const auto input = [&](const std::string& name, std::int64_t channels) {
    return emitter.input(name, {named("batch"), fixed(channels), named("tokens")});
  };
  const auto tokens = input("tokens", model::kEmbeddingDim);
  const auto mask = input("mask", 1);
  emitter.output("logits", model::classify(emitter, network.network, network.config, tokens, mask),
                 {named("batch"), fixed(model::kClasses)});
  return emitter.finish("head_of_tokens");
}

ModelProto build_embeddings(const model::Ast<model::Parameter>& ast, const model::AstConfig& config,
                            std::int64_t opset) {
  Emitter emitter(opset);
  const auto x = emitter.input(
      "input_values", {named("batch"), fixed(config.max_length), fixed(config.num_mel_bins)});
  emitter.output("embeddings", model::forward(emitter, ast, config, x),
                 {named("batch"), fixed(config.hidden_size)});
  return emitter.finish("embeddings");
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
