// Steps of a training until it is over, and those who hear of it. Private: torch's header stays
// inside this module.
#pragma once

#include <functional>

#include "wakebuilder/core/result.h"

#include "train/head_training.h"
#include "train/training.h"

namespace wakebuilder::train {

/// All may be missing.
struct LoopWatcher {
  HeadObserver progress{};  ///< about ten times a second and at the end; false stops
  std::function<void(const Validation&, double remaining_s)> validated{};
  std::function<bool()> must_stop{};     ///< asked after each step
  std::function<Result<void>()> save{};  ///< every so many steps, when stopped, and at the end
};

/// Steps until the training is over or stopped; true when stopped. Errors: those of Training::step
/// and of save.
Result<bool> run_loop(Training& training, const LoopWatcher& watcher);

/// As the options want it: threads, no denormal numbers. The random numbers begin with the seed.
void prepare_torch(const HeadOptions& options);

}  // namespace wakebuilder::train
