// The program wakebuilder-train as a child (docs/training.md, "The training program").
#pragma once

#include <filesystem>
#include <functional>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::pipeline {

/// Where wakebuilder-train is: `wanted`, else $WAKEBUILDER_TRAIN, else beside this program or
/// library, else in PATH. Errors: kUnavailable when it is not there.
Result<std::filesystem::path> find_trainer(const std::filesystem::path& wanted = {});

/// Runs it on a job's file and calls on_line() for each line that it says, and at least ten times a
/// second with null. False asks it to stop; it then writes what it has learned so far.
///
/// Returns its last line. Errors: kUnavailable when it cannot be started; what it reports; kIo when
/// it is killed or ends without a result.
Result<core::Value> run_trainer(const std::filesystem::path& program,
                                const std::filesystem::path& job,
                                const std::function<bool(const core::Value* line)>& on_line);

}  // namespace wakebuilder::pipeline
