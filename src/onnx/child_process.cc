#include "onnx/child_process.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <poll.h>

namespace wakebuilder::onnx {
namespace {

constexpr rlim_t kProcessorSeconds = 10;
constexpr std::chrono::seconds kClock{60};
constexpr rlim_t kMemory = rlim_t{2} << 30U;
constexpr char kEnd = '.';  // what a complete answer ends with

// glibc has a type of its own for the resource, others use int.
template <class Resource>
void set_limit(Resource resource, rlim_t value) {
  struct rlimit limit {};
  if (::getrlimit(resource, &limit) != 0) return;
  if (limit.rlim_max != RLIM_INFINITY && value > limit.rlim_max) return;
  limit.rlim_cur = value;
  ::setrlimit(resource, &limit);
}

/// Writable memory of the process, in bytes (proc(5): the sixth number of statm, in pages).
std::optional<rlim_t> memory_in_use() {
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  for (int i = 0; i < 6; ++i) statm >> pages;
  if (!statm) return std::nullopt;
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

/// The child must not write what the parent's handlers would, nor leave a core file, nor run on.
void limit_child() {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU, SIGTERM, SIGINT}) {
    ::signal(signal, SIG_DFL);
  }
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_CPU, kProcessorSeconds);
  if (const auto memory = memory_in_use()) set_limit(RLIMIT_DATA, *memory + kMemory);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(nowhere, STDERR_FILENO);
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

[[noreturn]] void be_the_child(int descriptor, const std::function<std::string()>& work) {
  limit_child();
  const bool answered = write_all(descriptor, work() + kEnd);
  ::_exit(answered ? 0 : 1);
}

/// All that comes until the other end is closed or the time is over.
std::string read_all(int descriptor) {
  const auto deadline = std::chrono::steady_clock::now() + kClock;
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    struct pollfd waiting {
      .fd = descriptor, .events = POLLIN, .revents = 0
    };
    const int ready = left.count() > 0 ? ::poll(&waiting, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return text;
    const ssize_t size = ::read(descriptor, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string ending(int status) {
  if (!WIFSIGNALED(status)) return "ended without an answer";
  const int signal = WTERMSIG(status);
  if (signal == SIGXCPU) return "did not finish in " + std::to_string(kProcessorSeconds) + " s";
  if (signal == SIGKILL) return "did not finish in time";
  return "crashed (signal " + std::to_string(signal) + ")";
}

}  // namespace

Result<std::string> run_in_child(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return fail(ErrorCode::kUnavailable, "could not be started");
  const pid_t child = ::fork();
  if (child == 0) be_the_child(ends[1], work);
  ::close(ends[1]);
  std::string answer = child < 0 ? "" : read_all(ends[0]);
  ::close(ends[0]);
  if (child < 0) return fail(ErrorCode::kUnavailable, "could not be started");
  const bool complete = answer.ends_with(kEnd);
  if (!complete) ::kill(child, SIGKILL);
  const int status = wait_for(child);
  if (!complete) return fail(ErrorCode::kUnavailable, ending(status));
  answer.pop_back();
  return answer;
}

}  // namespace wakebuilder::onnx
