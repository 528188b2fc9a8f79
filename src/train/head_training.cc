#include "train/head_training.h"

#include "train/guarded.h"
#include "train/loop.h"

namespace wakebuilder::train {

Result<model::NamedTensors> train_head(const Rows& data, const model::CompactConfig& config,
                                       const HeadOptions& options, const HeadObserver& observer) {
  WAKEBUILDER_CHECK(check_training(data, tokens_form()));
  WAKEBUILDER_CHECK(check(options));
  return guarded([&]() -> Result<model::NamedTensors> {
    prepare_torch(options);
    const auto learner = make_compact_head(config);
    Training training(*learner, data, nullptr, options);
    WAKEBUILDER_CHECK(run_loop(training, {.progress = observer}).map([](bool) {}));
    return training.result();
  });
}

}  // namespace wakebuilder::train
