// Trains the head of a compact network on tokens of its frozen backbone.
//
// The forward pass is the one that is exported (model/compact.h), run by libtorch with gradients;
// libtorch stays inside this module. The recipe (docs/training.md): AdamW, a warm-up and a cosine,
// mixed-up tokens with soft labels, dropout of hidden values and of whole channels, only the
// hardest negatives in the loss, and the exponential mean of all weights as the result.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/model/classifier.h"
#include "wakebuilder/model/compact.h"

namespace wakebuilder::train {

/// Windows that the head learns from.
struct HeadData {
  core::Tensor tokens;  ///< [n, 96, N] float32: the backbone's tokens of each window, all real
  core::Tensor labels;  ///< [n] uint8: 1 where the wake word is in the window, else 0
};

/// Errors: kMismatch for other shapes or element types, fewer than two windows, only one class;
/// kCorrupt for tokens that are NaN or infinite, or labels beyond 1.
Result<void> check(const HeadData& data);

struct HeadOptions {
  std::int64_t steps = 400;
  std::int64_t batch = 128;
  std::int64_t warm_up = 40;  ///< steps until the full rate
  double rate = 1.5e-3;       ///< of AdamW, at its highest; a cosine ends at 2 % of it
  double decay = 0.2;         ///< of matrices
  double mixup = 0.3;         ///< a and b of the Beta distribution of shares; 0: no mixing
  double label_smoothing = 0.05;
  double hardest = 0.3;  ///< share of the negatives in the loss, from a fifth of the steps on
  double dropout = 0.4;
  double channel_dropout = 0.1;
  double average = 0.005;      ///< of the exponential mean, from a third of the steps on
  double gradient_norm = 2.0;  ///< gradients are no longer than this
  std::uint64_t seed = 0;
  int threads = 1;
};

/// Errors: kInvalidArgument, each with its range.
Result<void> check(const HeadOptions& options);

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
/// @return the tensors `head.*` of docs/formats/compact.md, batch norms not folded
/// Errors: as check(); kUnsupported when libtorch fails, with its reason; kCheckFailed when the
/// loss is no number any more.
Result<model::NamedTensors> train_head(const HeadData& data, const model::CompactConfig& config,
                                       const HeadOptions& options = {},
                                       const HeadObserver& observer = {});

}  // namespace wakebuilder::train
