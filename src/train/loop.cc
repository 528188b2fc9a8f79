#include "train/loop.h"

#include <chrono>
#include <numeric>
#include <vector>

namespace wakebuilder::train {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLossSteps = 20;  ///< in the mean that is told

/// Tells how far it is, not too often.
class Reporter {
 public:
  Reporter(const LoopWatcher& watcher, const Training& training)
      : watcher_(watcher), training_(training), first_(training.steps_done()) {}

  double remaining_s() const {
    const std::chrono::duration<double> taken = Clock::now() - began_;
    const auto done = static_cast<double>(training_.steps_done() - first_);
    const auto left = static_cast<double>(training_.steps() - training_.steps_done());
    return training_.is_over() ? 0 : taken.count() * left / done;
  }

  /// False: stop.
  bool tell(double loss) {
    losses_.push_back(loss);
    if (losses_.size() > kLossSteps) losses_.erase(losses_.begin());
    const auto now = Clock::now();
    const bool is_early = now - told_ < std::chrono::milliseconds(100);
    if (!watcher_.progress || (is_early && !training_.is_over())) return true;
    told_ = now;
    const double sum = std::accumulate(losses_.begin(), losses_.end(), 0.0);
    return watcher_.progress({.step = training_.steps_done(),
                              .steps = training_.steps(),
                              .loss = sum / static_cast<double>(losses_.size()),
                              .remaining_s = remaining_s()});
  }

 private:
  const LoopWatcher& watcher_;
  const Training& training_;
  std::int64_t first_;
  Clock::time_point began_ = Clock::now();
  Clock::time_point told_ = began_ - std::chrono::seconds(1);
  std::vector<double> losses_;
};

Result<void> save(const LoopWatcher& watcher) {
  return watcher.save ? watcher.save() : Result<void>{};
}

}  // namespace

Result<bool> run_loop(Training& training, const LoopWatcher& watcher) {
  Reporter reporter(watcher, training);
  while (!training.is_over()) {
    WAKEBUILDER_TRY(const double loss, training.step());
    if (training.must_validate()) {
      const Validation validation = training.validate();
      if (watcher.validated) watcher.validated(validation, reporter.remaining_s());
    }
    const bool goes_on = reporter.tell(loss) && !(watcher.must_stop && watcher.must_stop());
    if (training.is_over()) break;
    if (!goes_on || training.must_save()) WAKEBUILDER_CHECK(save(watcher));
    if (!goes_on) return true;
  }
  WAKEBUILDER_CHECK(save(watcher));
  return false;
}

void prepare_torch(const HeadOptions& options) {
  torch::manual_seed(options.seed);
  at::set_num_threads(options.threads);
  at::globalContext().setFlushDenormal(true);
}

}  // namespace wakebuilder::train
