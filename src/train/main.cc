// The program `wakebuilder-train JOB.json`: trains a head as the file says (train/job.h). Lines of
// JSON on stdout: how far it is, then {"output": FILE}, or {"error": code, "message": sentence}.
// Exit status as that of `wakebuilder`. Ctrl-C and a polite kill end the training early; what was
// learned so far is written, and what it takes to go on.

#include <csignal>
#include <exception>
#include <iostream>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"

#include "train/job.h"
#include "train/run_job.h"

namespace {

using wakebuilder::Error;
using wakebuilder::ErrorCode;
using wakebuilder::core::Dict;

volatile std::sig_atomic_t stop_training = 0;

extern "C" void on_signal(int /*signal*/) { stop_training = 1; }

void say(const wakebuilder::core::Value& value) {
  std::cout << wakebuilder::core::to_json(value) << std::endl;
}

int report(const Error& error) {
  say(Dict{{"error", wakebuilder::to_string(error.code)}, {"message", error.message}});
  std::cerr << "wakebuilder-train: " << error.message << "\n";
  return wakebuilder::exit_status(error.code);
}

wakebuilder::Result<wakebuilder::train::Job> read_job(int argc, char** argv) {
  if (argc != 2) {
    return wakebuilder::fail(ErrorCode::kInvalidArgument,
                             "expected one argument, the file of a job; `wakebuilder train` "
                             "writes it and runs this program");
  }
  WAKEBUILDER_TRY(const auto text, wakebuilder::core::read_text(argv[1]));
  return wakebuilder::train::parse_job(text);
}

int run(int argc, char** argv) {
  const auto job = read_job(argc, argv);
  if (!job) return report(job.error());
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  const auto end =
      wakebuilder::train::run(*job, {.say = say, .must_stop = [] { return stop_training != 0; }});
  if (!end) return report(end.error());
  say(wakebuilder::train::to_value(*job, *end));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // a bug, or no memory
    std::cerr << "wakebuilder-train: internal error: " << error.what() << "\n";
    return 3;
  }
}
