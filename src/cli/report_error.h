// Errors as the program answers them (docs/architecture.md, contracts).
#pragma once

#include <string>

#include "wakebuilder/core/result.h"

#include "cli/command_line.h"

namespace wakebuilder::cli {

/// Says the error in one line on stderr, and with --json also on stdout: {"error", "message"}, and
/// {"file"} where one of several is meant. Returns its exit status.
int report(const CommandLine& line, const Error& error, const std::string& file = {});

}  // namespace wakebuilder::cli
