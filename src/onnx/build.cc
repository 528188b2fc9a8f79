#include "wakebuilder/onnx/build.h"

#include "wakebuilder/model/head.h"
#include "wakebuilder/onnx/emitter.h"

namespace wakebuilder::onnx {
namespace {

Dimension named(std::string name) { return {.value = std::nullopt, .param = std::move(name)}; }
Dimension fixed(std::int64_t value) { return {.value = value, .param = {}}; }

}  // namespace

BuiltModel build_head(const model::Head<model::Parameter>& head, const model::HeadConfig& config,
                      std::int64_t opset) {
  Emitter emitter(opset);
  const auto embeddings =
      emitter.input("embeddings", {named("batch"), fixed(config.embedding_dim)});
  const auto logits = model::forward(emitter, head, config, embeddings);
  emitter.output("logits", logits, {named("batch"), fixed(model::kClasses)});
  auto layers = emitter.outputs();
  return {.model = emitter.finish("head"), .layers = std::move(layers)};
}

ModelProto expose_layers(const BuiltModel& built) {
  ModelProto model = built.model;
  std::string last;
  for (const auto& [layer, value] : built.layers) {
    if (value == "logits" || value == last) continue;  // nested scopes may give the same value
    model.graph->outputs.push_back(float_value(value, std::nullopt));
    last = value;
  }
  return model;
}

}  // namespace wakebuilder::onnx
