// From a classifier to an ONNX model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/model/head.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// The graph `head`: `embeddings` [batch, embedding_dim] -> `logits` [batch, 2], float32, `batch`
/// dynamic. The weights stay where `head` has them. @pre opset as for Emitter
ModelProto build_head(const model::Head<model::Parameter>& head, const model::HeadConfig& config,
                      std::int64_t opset);

/// The value that each layer gives in a model of build_head(): pairs of layer and value, in the
/// order of `layers`, which are the names that model::Reference::outputs() has ("se_block",
/// "classifier/hidden_0"). The last node within a layer gives its value; layers without nodes are
/// left out.
std::vector<std::pair<std::string, std::string>> layer_values(const ModelProto& model,
                                                              std::span<const std::string> layers);

/// A copy of the model with these values as further outputs, to see where a difference begins.
ModelProto expose(ModelProto model,
                  std::span<const std::pair<std::string, std::string>> layer_values);

}  // namespace wakebuilder::onnx
