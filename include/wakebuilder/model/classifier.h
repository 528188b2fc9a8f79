// A wake-word classifier as it was trained: config, weights, and what the checkpoint says about it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/core/value.h"
#include "wakebuilder/model/head.h"

namespace wakebuilder::model {

/// The threshold of a classifier whose checkpoint names none: the likelier of the two classes wins.
inline constexpr double kDefaultThreshold = 0.5;

using NamedTensors = std::vector<std::pair<std::string, core::Tensor>>;

/// What a checkpoint says about a network beside its weights.
struct Settings {
  std::optional<std::string> wake_word;
  std::optional<double>
      threshold;  ///< probability of class 1 from which on the word counts as heard
  std::int64_t sample_rate_hz = 16000;
  core::Value metadata;  ///< all that the checkpoint says beside the weights
};

struct Classifier : Settings {
  HeadConfig config;
  Head<Parameter> head;       ///< float32, faithful
  bool has_backbone = false;  ///< the checkpoint also holds the AST (a whole model)

  /// Number of weights of the head.
  std::size_t parameters() const;
};

/// Builds the classifier from a state dict. What the metadata does not say (use_attention,
/// use_se_block, use_tcn, embedding_dim, classifier_hidden_dims) is inferred from names and shapes.
/// In a whole model the head is what begins with `classifier.`, without that prefix.
///
/// Errors, each naming tensor, expected and found: kMismatch when metadata and tensors contradict
/// each other, when a tensor is missing, superfluous or of another shape; kUnsupported for other
/// architectures (model_type tc_resnet) and element types; kCorrupt for weights that are NaN,
/// infinite or beyond float32.
Result<Classifier> load_classifier(const NamedTensors& tensors, const core::Value& metadata);

}  // namespace wakebuilder::model
