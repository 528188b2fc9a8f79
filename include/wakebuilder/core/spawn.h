// Starts another program.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace wakebuilder::core {

/// How a program is started. No signal is blocked in it, whatever is blocked here.
struct SpawnOptions {
  std::string program;                 ///< looked for in PATH unless there is a slash in it
  std::vector<std::string> arguments;  ///< the first is what it calls itself
  std::optional<std::vector<std::string>> environment{};  ///< "NAME=value"; nothing: ours
  std::array<int, 3> files{0, 1, 2};  ///< our descriptors that become its stdin, stdout, stderr
  bool closes_others = false;  ///< even those without O_CLOEXEC, where the system can (glibc 2.34)
  bool new_session = false;    ///< else a process group of its own
  std::vector<int> usual_signals{};  ///< do what they usually do, also where we ignore them
};

/// A child, which must be waited for, or why there is none.
struct Spawned {
  int child = 0;
  int error = 0;  ///< errno's number; 0: the child runs
};

Spawned spawn(const SpawnOptions& options);

/// Where a program is, as execvp(3) would find it: a path as it is, else the first in PATH.
std::optional<std::filesystem::path> find_program(const std::string& name);

}  // namespace wakebuilder::core
