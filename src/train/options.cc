#include "train/options.h"

#include "wakebuilder/core/range.h"

namespace wakebuilder::train {

Result<void> check(const HeadOptions& options) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  WAKEBUILDER_CHECK(core::check_range("steps", number(options.steps), 1, 1e6));
  WAKEBUILDER_CHECK(core::check_range("batch", number(options.batch), 8, 65536));
  WAKEBUILDER_CHECK(core::check_range("warm-up", number(options.warm_up), 1, 1e6));
  WAKEBUILDER_CHECK(core::check_range("rate", options.rate, 1e-8, 1));
  WAKEBUILDER_CHECK(core::check_range("decay", options.decay, 0, 10));
  WAKEBUILDER_CHECK(core::check_range("mixup", options.mixup, 0, 100));
  WAKEBUILDER_CHECK(core::check_range("label smoothing", options.label_smoothing, 0, 0.5));
  WAKEBUILDER_CHECK(core::check_range("hardest", options.hardest, 0.01, 1));
  WAKEBUILDER_CHECK(core::check_range("dropout", options.dropout, 0, 0.95));
  WAKEBUILDER_CHECK(core::check_range("channel dropout", options.channel_dropout, 0, 0.95));
  WAKEBUILDER_CHECK(core::check_range("average", options.average, 1e-5, 1));
  WAKEBUILDER_CHECK(core::check_range("gradient norm", options.gradient_norm, 1e-3, 1e3));
  WAKEBUILDER_CHECK(core::check_range("validate every", number(options.validate_every), 1, 1e6));
  WAKEBUILDER_CHECK(core::check_range("patience", number(options.patience), 0, 1e6));
  WAKEBUILDER_CHECK(core::check_range("save every", number(options.save_every), 1, 1e6));
  return core::check_range("threads", options.threads, 1, 256);
}

}  // namespace wakebuilder::train
