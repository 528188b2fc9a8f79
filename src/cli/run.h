// One function for each verb: calls the pipeline and answers on stdout.
#pragma once

#include "wakebuilder/core/result.h"

#include "cli/command_line.h"

namespace wakebuilder::cli {

/// Does what the command line says. Returns the exit status of a run that ended as it should: 0, or
/// 1 when a check said no.
Result<int> run(const CommandLine& line);

}  // namespace wakebuilder::cli
