#include "cli/command_hook.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

#include "wakebuilder/core/descriptor.h"
#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/spawn.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::cli {
namespace {

constexpr const char* kShell = "/bin/sh";

bool sets(std::string_view entry, std::string_view name) {
  return entry.starts_with(name) && entry.substr(name.size()).starts_with('=');
}

/// "NAME=value" of our environment without those of `variables`, then of `variables`.
std::vector<std::string> environment_with(const CommandHook::Variables& variables) {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (std::none_of(variables.begin(), variables.end(),
                     [&](const auto& variable) { return sets(*entry, variable.first); }))
      entries.emplace_back(*entry);
  }
  for (const auto& [name, value] : variables) {
    WAKEBUILDER_EXPECT(!name.empty() && name.find('=') == std::string::npos);
    entries.push_back(name + "=" + value);
  }
  return entries;
}

/// What is wrong with this end of a command; nothing when it went well.
std::optional<std::string> complaint_about(int status, const std::string& command) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  const std::string ending = WIFSIGNALED(status)
                                 ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                 : "failed with status " + std::to_string(WEXITSTATUS(status));
  return "--on-detect: the command " + ending + ": " + core::quote(command);
}

}  // namespace

CommandHook::CommandHook(std::string command, std::size_t most_running)
    : command_(std::move(command)), most_running_(most_running) {}

CommandHook::~CommandHook() { finish(); }

Result<bool> CommandHook::start(const Variables& variables) {
  poll();
  if (running_.size() >= most_running_) {
    ++skipped_;
    return false;
  }
  // stdin from nowhere, stdout to where stderr goes, nothing else; SIGPIPE as usual, whatever we do
  // with it.
  const core::Descriptor nowhere(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto [child, error] = core::spawn({.program = kShell,
                                           .arguments = {"sh", "-c", "--", command_},
                                           .environment = environment_with(variables),
                                           .files = {nowhere.get(), STDERR_FILENO, STDERR_FILENO},
                                           .closes_others = true,
                                           .new_session = true,
                                           .usual_signals = {SIGPIPE}});
  if (error != 0) {
    return fail(ErrorCode::kIo,
                "--on-detect: the command cannot be started: " + std::string(std::strerror(error)));
  }
  running_.push_back(child);
  return true;
}

void CommandHook::poll() {
  std::erase_if(running_, [&](pid_t child) { return reap(child, WNOHANG); });
}

void CommandHook::finish() {
  for (const pid_t child : std::exchange(running_, {})) reap(child, 0);
}

/// True when the child has ended.
bool CommandHook::reap(pid_t child, int options) {
  int status = 0;
  pid_t ended = -1;
  do {
    ended = ::waitpid(child, &status, options);
  } while (ended < 0 && errno == EINTR);
  if (ended == 0) return false;
  if (ended < 0) return true;  // somebody else has waited for it
  if (auto complaint = complaint_about(status, command_))
    complaints_.push_back(*std::move(complaint));
  return true;
}

}  // namespace wakebuilder::cli
