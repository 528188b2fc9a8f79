#include "cli/report_error.h"

#include <iostream>

#include "wakebuilder/core/json.h"

namespace wakebuilder::cli {

int report(const CommandLine& line, const Error& error, const std::string& file) {
  std::cerr << "wakebuilder: " << (line.verb.empty() ? "" : line.verb + ": ") << error.message
            << "\n";
  if (line.json) {
    core::Dict answer;
    if (!file.empty()) answer.emplace_back("file", file);
    answer.emplace_back("error", to_string(error.code));
    answer.emplace_back("message", error.message);
    std::cout << core::to_json(core::Value(std::move(answer))) << std::endl;
  }
  return exit_status(error.code);
}

}  // namespace wakebuilder::cli
