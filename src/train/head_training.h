// Trains the head of a compact network on tokens of its frozen backbone.
//
// The forward pass is the one that is exported (model/compact.h), run by libtorch with gradients;
// libtorch stays inside this module. The recipe (docs/training.md): AdamW, a warm-up and a cosine,
// mixed-up tokens with soft labels, dropout of hidden values and of whole channels, only the
// hardest negatives in the loss, and the exponential mean of all weights as the result.
#pragma once

#include <cstdint>
#include <functional>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/model/classifier.h"
#include "wakebuilder/model/compact.h"

#include "train/options.h"
#include "train/rows.h"

namespace wakebuilder::train {

struct HeadProgress {
  std::int64_t step = 0;  ///< done
  std::int64_t steps = 0;
  double loss = 0;  ///< mean of the last steps
  double remaining_s = 0;
};

/// Called about ten times a second and at the end; false stops the training, whose weights so far
/// are the result.
using HeadObserver = std::function<bool(const HeadProgress& progress)>;

/// Trains a head from nothing. The same data, options and machine give the same weights.
///
/// @param data  tokens [n, 96, N]: the backbone's tokens of each window, all real
/// @return the tensors `head.*` of docs/formats/compact.md, batch norms not folded
/// Errors: as check_training() and check(HeadOptions); kUnsupported when libtorch fails, with its
/// reason; kCheckFailed when the loss is no number any more.
Result<model::NamedTensors> train_head(const Rows& data, const model::CompactConfig& config,
                                       const HeadOptions& options = {},
                                       const HeadObserver& observer = {});

}  // namespace wakebuilder::train
