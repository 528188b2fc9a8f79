// Splits a tree into named tensors and JSON for everything else. safetensors_tree.h reads it back.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::checkpoint {

/// A tree in two parts.
struct SplitTree {
  std::vector<std::pair<std::string, core::Tensor>>
      tensors;       ///< in the order of the tree, names unique
  core::Value json;  ///< null when the tree is a plain dict of tensors, which needs no more
};

/// Weights keep their own names ("classifier.0.weight"), other tensors are called by their path
/// ("optimizer_state_dict.state.0.exp_avg"). A tensor that is in several places is stored once.
/// Errors: kUnsupported for core::Opaque and for text that is not UTF-8.
Result<SplitTree> split_tree(const core::Value& root);

}  // namespace wakebuilder::checkpoint
