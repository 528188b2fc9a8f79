// The verb `detect`.
#pragma once

#include "wakebuilder/core/result.h"

#include "cli/command_line.h"

namespace wakebuilder::cli {

/// Listens to the sounds of the command and answers on stdout as it goes. Returns the exit status:
/// 0 when a wake word was heard, 1 when none was. A recording that cannot be read is said on
/// stderr, and the others go on; then it is the status of its error.
Result<int> run(const CommandLine& line, const DetectCommand& command);

}  // namespace wakebuilder::cli
