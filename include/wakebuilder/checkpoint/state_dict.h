// Finds the weights in whatever dict was saved around them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::checkpoint {

/// Weights by name, in the order of the file, and the settings that were saved beside them.
struct StateDict {
  std::vector<std::pair<std::string, core::Tensor>> tensors;
  /// Everything else of the checkpoint as a dict: wake_word, threshold, embedding_dim, use_tcn,
  /// training_config, metrics, ... For the layout of the documentation (`config: {...}`) its
  /// entries are here under the source's names too (`hidden_dims` as `classifier_hidden_dims`,
  /// `dropout` as `classifier_dropout`). Optimiser and scheduler states are left out.
  core::Value metadata = core::Dict{};
  /// Where the weights lay: "classifier_state_dict", "model_state_dict", "state_dict", "model" or
  /// "" (bare).
  std::string key;
};

/// Looks for the state dict under `classifier_state_dict`, `model_state_dict`, `state_dict`,
/// `model`, else takes the root itself when it is a dict of tensors; strips the prefixes `module.`
/// and `_orig_mod.` (any number of times, when all names have it).
///
/// Errors: kUnsupported when there is no state dict (says what the file holds instead), when a
/// value among the weights is no dense tensor (names key and kind); kCorrupt for a name that is
/// given twice.
Result<StateDict> find_state_dict(const Checkpoint& checkpoint);

}  // namespace wakebuilder::checkpoint
