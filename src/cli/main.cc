// The program `wakebuilder`: parses, calls one verb, and turns errors into an exit status and one
// sentence.

#include <cstdlib>
#include <exception>
#include <iostream>

#include "cli/command_line.h"
#include "cli/report_error.h"
#include "cli/run.h"

namespace {

using wakebuilder::ErrorCode;
using wakebuilder::cli::report;

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
