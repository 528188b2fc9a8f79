// A compact network from a checkpoint.
#pragma once

#include <cstddef>

#include "wakebuilder/core/result.h"
#include "wakebuilder/model/classifier.h"
#include "wakebuilder/model/compact.h"

namespace wakebuilder::model {

/// A compact network as it was trained, and what its checkpoint says about it.
struct CompactClassifier : Settings {
  CompactConfig config;
  Compact<Parameter> network;            ///< float32
  std::int64_t frames = kCompactFrames;  ///< that the checkpoint wants declared

  /// Number of weights.
  std::size_t parameters() const;
};

/// True when the tensors are those of a compact network rather than of another architecture.
bool is_compact(const NamedTensors& tensors);

/// Builds the network from a state dict, in the layout of docs/formats/compact.md or that of the
/// research code (`backbone.conv0`, `head.att_score`, ...), or from the weights of an exported
/// graph, which may be folded. What the metadata does not say is inferred from shapes.
///
/// Errors, each naming tensor, expected and found: kMismatch when metadata and tensors contradict
/// each other, when a tensor is missing, superfluous or of another shape, when dimensions make no
/// network (an even window); kUnsupported for element types; kCorrupt for weights that are NaN,
/// infinite or beyond float32, or a batch norm whose variance is negative.
Result<CompactClassifier> load_compact(const NamedTensors& tensors, const core::Value& metadata);

/// The pretrained backbone alone, from tensors `conv_0.weight`, ..., as `wakebuilder backbone
/// import` writes them. Errors: as load_compact.
Result<SpeechEmbedding<Parameter>> load_speech_embedding(const NamedTensors& tensors);

}  // namespace wakebuilder::model
