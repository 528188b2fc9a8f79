// The program `wakebuilder`: parses, calls one verb, and turns errors into an exit status and one
// sentence.

#include <cstdlib>
#include <exception>
#include <iostream>

#include "wakebuilder/core/json.h"

#include "cli/command_line.h"
#include "cli/run.h"

namespace {

using wakebuilder::Error;
using wakebuilder::ErrorCode;

/// 1 the check failed, 2 wrong usage or bad input, 3 the machine failed (docs/architecture.md,
/// contracts).
int exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCheckFailed:
      return 1;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
    case ErrorCode::kMismatch:
      return 2;
    case ErrorCode::kIo:
    case ErrorCode::kUnavailable:
      return 3;
  }
  return 3;
}

int report(const wakebuilder::cli::CommandLine& line, const Error& error) {
  std::cerr << "wakebuilder: " << (line.verb.empty() ? "" : line.verb + ": ") << error.message
            << "\n";
  if (line.json) {
    const wakebuilder::core::Value answer = wakebuilder::core::Dict{
        {"error", wakebuilder::to_string(error.code)}, {"message", error.message}};
    std::cout << wakebuilder::core::to_json(answer) << "\n";
  }
  return exit_status(error.code);
}

int run_program(int argc, const char* const* argv) {
  wakebuilder::cli::CommandLine line;
  if (const auto parsed = wakebuilder::cli::parse(argc, argv, line); !parsed)
    return report(line, parsed.error());
  const auto status = wakebuilder::cli::run(line);
  if (!status) return report(line, status.error());
  if (!std::cout.flush())
    return report(line, {ErrorCode::kIo, "standard output: cannot be written"});
  return *status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int status = run_program(argc, argv);
#ifdef NDEBUG
    // Without this the libraries take their tables of operators apart, a tenth of an export. In
    // other builds they do: sanitizers look for leaks then.
    std::cout.flush();
    std::_Exit(status);
#endif
    return status;
  } catch (const std::exception& error) {  // a bug, or no memory
    std::cerr << "wakebuilder: internal error: " << error.what() << "\n";
    return 3;
  }
}
