// The network inside a model that this library exported.
#pragma once

#include <cstdint>
#include <optional>

#include "wakebuilder/model/network.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::pipeline {

struct ExportedNetwork {
  model::CompactClassifier network;
  model::GraphOptions variant;  ///< which graph of it the model is
  std::int64_t opset = 0;
};

/// Takes the compact network out of its graph, so that other graphs of it can be made. Nothing when
/// the model is no compact network of float32, or when our emitter would write another graph for
/// the same weights: that of another version, or one that somebody changed.
std::optional<ExportedNetwork> exported_network(const onnx::ModelProto& model);

}  // namespace wakebuilder::pipeline
