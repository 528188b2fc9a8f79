// The verb `train`.
#pragma once

#include "wakebuilder/core/result.h"

#include "cli/command_line.h"

namespace wakebuilder::cli {

/// Trains, with its progress on stderr, and answers on stdout. 1 when the model could not be
/// exported.
Result<int> run(const CommandLine& line, const TrainCommand& command);

}  // namespace wakebuilder::cli
