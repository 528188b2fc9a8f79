// The command of --on-detect, run for each detection.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "wakebuilder/core/result.h"

namespace wakebuilder::cli {

/// Runs `/bin/sh -c COMMAND` beside us, and never waits for it before finish().
///
/// What is said about a detection comes in the environment; it is never part of the command, so
/// that no wake word can be read as shell. The command's stdin is /dev/null; its stdout goes to our
/// stderr, since our stdout is for results. It inherits no other open file.
///
/// It has a session of its own: Ctrl-C in the terminal ends the listening, not a notification that
/// is half way; finish() then waits for it. A command that never ends must be ended by its user
/// (the program is ended meanwhile by a signal that it does not handle).
///
/// Not thread-safe. Only its own children are waited for.
class CommandHook {
 public:
  /// Name and value of variables that are added to the environment, or replace what is there.
  using Variables = std::vector<std::pair<std::string, std::string>>;

  explicit CommandHook(std::string command, std::size_t most_running = 8);
  CommandHook(const CommandHook&) = delete;
  CommandHook& operator=(const CommandHook&) = delete;
  ~CommandHook();  ///< finish()

  /// Starts the command; false when `most_running` are running still: this one is skipped.
  /// Errors: kIo when it cannot be started (too many processes, no /bin/sh).
  /// @pre names are not empty and have no '=', else std::logic_error
  Result<bool> start(const Variables& variables);

  /// Notes which commands have ended; does not wait. start() does it too.
  void poll();

  /// Waits for all that run, however long it takes.
  void finish();

  std::size_t running() const { return running_.size(); }
  std::uint64_t skipped() const { return skipped_; }

  /// A sentence for each command that failed since the last call.
  std::vector<std::string> take_complaints() { return std::exchange(complaints_, {}); }

 private:
  bool reap(pid_t child, int options);

  std::string command_;
  std::size_t most_running_;
  std::vector<pid_t> running_;
  std::uint64_t skipped_ = 0;
  std::vector<std::string> complaints_;
};

}  // namespace wakebuilder::cli
