// From a network to an ONNX model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/model/network.h"
#include "wakebuilder/onnx/emitter.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// The graph of a network at an opset; `logits` [batch, 2] out, float32, `batch` dynamic. The
/// weights stay where the network has them.
///
/// Inputs: model::input_of(). A stream has besides, for each time-crossing operation, a state that
/// goes in as `state/NAME` and comes out as `next_state/NAME`; all begin with zeros.
/// @pre options are resolved; opset as for Emitter
ModelProto build(const model::Network& network, const model::GraphOptions& options,
                 std::int64_t opset);

/// One stream of several compact networks that hear through the same backbone: that runs once, and
/// neighbours with the same config are stacked (model/stacked_heads.h). The batch is one; `logits`
/// is [networks, 2], in their order.
/// @pre at least one network; all share a backbone (model::shares_backbone); options are resolved
/// and those of a stream; opset as for Emitter; else std::logic_error
ModelProto build_shared(std::span<const model::CompactClassifier> networks,
                        const model::GraphOptions& options, std::int64_t opset);

/// What a compact network's backbone hears: `input_values` [batch, frames, 128] in, `tokens`
/// [batch, 96, model::tokens_of(frames)] out. The head is not looked at.
/// @pre frames is at least model::kEmbeddingFrames; opset as for Emitter; else std::logic_error
ModelProto build_tokens(const model::CompactClassifier& network, std::int64_t frames,
                        std::int64_t opset);

/// What a compact network's head makes of tokens: `tokens` [batch, 96, N] and `mask` [batch, 1, N]
/// (1 for real ones) in, `logits` [batch, 2] out. @pre opset as for Emitter
ModelProto build_head(const model::CompactClassifier& network, std::int64_t opset);

/// What an AST hears: `input_values` [batch, T, 128] in, `embeddings` [batch, hidden] out.
/// @pre opset as for Emitter
ModelProto build_embeddings(const model::Ast<model::Parameter>& ast, const model::AstConfig& config,
                            std::int64_t opset);

/// The states of a stream, in the order of the graph's inputs: those that begin with `state/`.
std::vector<Emitter::State> states_of(const ModelProto& model);

/// The value that each layer gives in a model of build(): pairs of layer and value, in the
/// order of `layers`, which are the names that model::Reference::outputs() has ("se_block",
/// "classifier/hidden_0"). The last node within a layer gives its value; layers without nodes are
/// left out.
std::vector<std::pair<std::string, std::string>> layer_values(const ModelProto& model,
                                                              std::span<const std::string> layers);

/// A copy of the model with these values as further outputs, to see where a difference begins.
ModelProto expose(ModelProto model,
                  std::span<const std::pair<std::string, std::string>> layer_values);

}  // namespace wakebuilder::onnx
