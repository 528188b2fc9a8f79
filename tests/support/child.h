// A part of a test in a process of its own: what ends that process, or changes it, ends there.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

namespace wakebuilder::test {

/// Runs `child` in a process of its own; its return value is the exit status, or 200 when a signal
/// ended it.
template <class Function>
int status_of_child(Function child) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(child());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

}  // namespace wakebuilder::test
