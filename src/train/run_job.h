// Does what a job says.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

#include "train/head_training.h"
#include "train/job.h"

namespace wakebuilder::train {

/// Those who hear of it. All may be missing.
struct JobWatcher {
  std::function<void(const core::Value& line)> say{};  ///< the lines, as docs/training.md has them
  std::function<bool()> must_stop{};                   ///< asked after each step
};

/// How it ended.
struct JobEnd {
  std::optional<std::int64_t> stopped_at{};  ///< the step that was the last, when told to stop
  bool in_fine_tuning = false;               ///< the steps are those of this
};

/// Reads the data, trains and writes the weights.
///
/// Errors: those of checkpoint::read, check_training(), check_validation(),
/// model::load_speech_embedding and core::StagedFile; kMismatch for data without the tensors, for a
/// state of another training; kCorrupt for a state that is torn; kUnsupported when libtorch fails;
/// kCheckFailed when the loss is no number any more.
Result<JobEnd> run(const Job& job, const JobWatcher& watcher = {});

/// The last line: {"output", "stopped_at", "phase"}, the last two where they apply.
core::Value to_value(const Job& job, const JobEnd& end);

}  // namespace wakebuilder::train
