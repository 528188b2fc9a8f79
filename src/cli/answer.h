// The answer of a verb on stdout.
#pragma once

#include <iostream>
#include <string>

#include "wakebuilder/core/json.h"
#include "wakebuilder/pipeline/report.h"

#include "cli/command_line.h"

namespace wakebuilder::cli {

/// The report as one line of JSON where the command line wants that, else `text`.
template <class Report>
void answer(const CommandLine& line, const Report& report, const std::string& text) {
  std::cout << (line.json ? core::to_json(pipeline::to_value(report)) + "\n" : text);
}

}  // namespace wakebuilder::cli
