#include "pipeline/compact_training.h"

#include <string>

#include "wakebuilder/model/bridge.h"
#include "wakebuilder/pipeline/backbone.h"

namespace wakebuilder::pipeline {

using core::Value;

Result<model::CompactClassifier> frozen_network(const std::filesystem::path& backbone) {
  WAKEBUILDER_TRY(const auto file, find_backbone(backbone));
  model::CompactClassifier network;
  network.network = model::make_compact<model::Parameter>(network.config);
  WAKEBUILDER_TRY(network.network.backbone, load_backbone(file));
  network.network.bridge = {.name = "bridge", .tensor = model::make_bridge()};
  model::visit(network.network, network.config,
               [](const std::string& name, model::Parameter& weight, const core::Shape&) {
                 weight.name = name;
               });
  return network;
}

Result<model::NamedTensors> with_head(const model::CompactClassifier& frozen,
                                      const Value& learned) {
  model::NamedTensors tensors;
  std::string missing;
  model::visit(frozen.network, frozen.config,
               [&](const std::string& name, const model::Parameter& weight, const core::Shape&) {
                 const Value* found = learned.find(name);
                 const auto* tensor = found != nullptr ? found->get_if<core::Tensor>() : nullptr;
                 if (tensor == nullptr && name.starts_with("head.")) missing = name;
                 tensors.emplace_back(name, tensor != nullptr ? *tensor : weight.tensor);
               });
  if (missing.empty()) return tensors;
  return fail(ErrorCode::kMismatch, "expected the weight " + missing + " of the training program");
}

}  // namespace wakebuilder::pipeline
