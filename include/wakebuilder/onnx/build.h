// From a classifier to an ONNX model.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/model/classifier.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// A model, and which of its values each layer gives: {"se_block", "se_block/excite"}, in the order
/// and with the names of model::Reference::outputs().
struct BuiltModel {
  ModelProto model;
  std::vector<std::pair<std::string, std::string>> layers;
};

/// The graph `head`: `embeddings` [batch, embedding_dim] -> `logits` [batch, 2], float32, `batch`
/// dynamic. The weights stay where `head` has them. @pre opset as for Emitter
BuiltModel build_head(const model::Head<model::Parameter>& head, const model::HeadConfig& config,
                      std::int64_t opset);

/// A copy of the model whose layers are outputs too: for finding the first that differs.
ModelProto expose_layers(const BuiltModel& built);

}  // namespace wakebuilder::onnx
