#include "wakebuilder/core/spawn.h"

#include <csignal>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <spawn.h>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX has it in no header

namespace wakebuilder::core {
namespace {

namespace fs = std::filesystem;

class FileActions {
 public:
  explicit FileActions(const SpawnOptions& options) {
    ::posix_spawn_file_actions_init(&actions_);
    for (int target = 0; target < 3; ++target)
      ::posix_spawn_file_actions_adddup2(&actions_, options.files[static_cast<std::size_t>(target)],
                                         target);
#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 34)
    if (options.closes_others)
      ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
#endif
#endif
  }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class Attributes {
 public:
  explicit Attributes(const SpawnOptions& options) {
    ::posix_spawnattr_init(&attributes_);
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    for (const int signal : options.usual_signals) ::sigaddset(&signals, signal);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    const int group = options.new_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    ::posix_spawnattr_setflags(
        &attributes_, static_cast<short>(group | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

bool is_program(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<fs::path> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos)
    return is_program(name) ? std::optional<fs::path>(name) : std::nullopt;
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  for (;;) {
    const std::size_t colon = rest.find(':');
    const fs::path found = fs::path(rest.substr(0, colon)) / name;
    if (is_program(found)) return found;
    if (colon == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(colon + 1);
  }
}

Spawned spawn(const SpawnOptions& options) {
  auto arguments = options.arguments;
  auto environment = options.environment.value_or(std::vector<std::string>());
  Spawned spawned;
  spawned.error =
      ::posix_spawnp(&spawned.child, options.program.c_str(), FileActions(options).get(),
                     Attributes(options).get(), pointers_to(arguments).data(),
                     options.environment ? pointers_to(environment).data() : environ);
  return spawned;
}

}  // namespace wakebuilder::core
