// The numbers of the recipe (docs/training.md).
#pragma once

#include <cstdint>

#include "wakebuilder/core/result.h"

namespace wakebuilder::train {

struct HeadOptions {
  std::int64_t steps = 400;
  std::int64_t batch = 128;
  std::int64_t warm_up = 40;  ///< steps until the full rate
  double rate = 1.5e-3;       ///< of AdamW, at its highest; a cosine ends at 2 % of it
  double decay = 0.2;         ///< of matrices
  double mixup = 0;           ///< a and b of the Beta distribution of shares; 0: no mixing
  double label_smoothing = 0.05;
  double hardest = 0.3;  ///< share of the negatives in the loss, from a fifth of the steps on
  double dropout = 0.4;
  double channel_dropout = 0.5;
  double average = 0.005;            ///< of the exponential mean, from a third of the steps on
  double gradient_norm = 2.0;        ///< gradients are no longer than this
  std::int64_t validate_every = 25;  ///< steps
  std::int64_t patience = 0;         ///< validations without a better loss; 0: never stops early
  std::int64_t save_every = 50;      ///< steps, where there is a file for the state
  std::uint64_t seed = 0;
  int threads = 1;
};

/// Errors: kInvalidArgument, each with its range.
Result<void> check(const HeadOptions& options);

}  // namespace wakebuilder::train
