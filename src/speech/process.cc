#include "speech/process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <poll.h>

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36's forgets C++
}

#include "wakebuilder/core/descriptor.h"
#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/spawn.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::speech {
namespace {

using Clock = std::chrono::steady_clock;

constexpr rlim_t kMostBytes = rlim_t{64} << 20U;

/// A file without a name: unlike a pipe it takes all that is written while nobody reads, and ends
/// although some grandchild still holds it.
class Scratch {
 public:
  Scratch() : file_(::memfd_create("wakebuilder", MFD_CLOEXEC)) {}

  int descriptor() const { return file_.get(); }

  bool fill(std::string_view text) const {
    return ::pwrite(file_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  }

  std::string contents() const {
    struct stat status {};
    if (::fstat(file_.get(), &status) != 0) return {};
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    const ssize_t got = ::pread(file_.get(), text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }

 private:
  core::Descriptor file_;
};

struct Streams {
  Scratch input;
  Scratch output;
  Scratch errors;
};

void limit_files(pid_t child) {
  const struct rlimit bytes { .rlim_cur = kMostBytes, .rlim_max = kMostBytes };
  const struct rlimit no_core { .rlim_cur = 0, .rlim_max = 0 };
  ::prlimit(child, RLIMIT_FSIZE, &bytes, nullptr);
  ::prlimit(child, RLIMIT_CORE, &no_core, nullptr);
}

/// A group of its own, and signals as a new process expects them.
Result<pid_t> start(std::span<const std::string> words, const Streams& streams) {
  const auto [child, error] =
      core::spawn({.program = words[0],
                   .arguments = {words.begin(), words.end()},
                   .files = {streams.input.descriptor(), streams.output.descriptor(),
                             streams.errors.descriptor()},
                   .usual_signals = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}});
  if (error == 0) {
    limit_files(child);
    return child;
  }
  return fail(ErrorCode::kUnavailable,
              error == ENOENT ? "is not installed"
                              : std::string("cannot be started: ") +
                                    std::strerror(error));  // NOLINT(concurrency-mt-unsafe)
}

/// True when the child has ended before the deadline.
bool wait_until(pid_t child, Clock::time_point deadline) {
  const core::Descriptor handle(::pidfd_open(child, 0));
  struct pollfd waiting {
    .fd = handle.get(), .events = POLLIN, .revents = 0
  };
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const int ready = ::poll(&waiting, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

int reap(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

/// Of what a program complained about: the first line that speaks of an error, else the last one.
std::string complaint(const std::string& text) {
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    last = line;
    if (line.find("rror") != std::string::npos || line.find("ERROR") != std::string::npos) break;
  }
  return core::quote(last);
}

std::string seconds(std::chrono::milliseconds time) {
  return core::to_text(static_cast<double>(time.count()) / 1000) + " s";
}

Result<void> judge(int status, const Streams& streams) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ)
    return fail(ErrorCode::kIo, "wrote more than 64 MiB");
  if (WIFSIGNALED(status)) {
    return fail(ErrorCode::kIo, "was killed by signal " + std::to_string(WTERMSIG(status)));
  }
  if (WEXITSTATUS(status) == 0) return {};
  const std::string reason = complaint(streams.errors.contents());
  return fail(ErrorCode::kIo, "ended with exit status " + std::to_string(WEXITSTATUS(status)) +
                                  (reason.empty() ? "" : ": " + reason));
}

Result<std::string> run(std::span<const std::string> words, std::string_view input,
                        std::chrono::milliseconds limit) {
  const Streams streams;
  if (!streams.input.fill(input)) return fail(ErrorCode::kIo, "cannot be given its input");
  const auto deadline = Clock::now() + limit;
  WAKEBUILDER_TRY(const pid_t child, start(words, streams));
  const bool is_done = wait_until(child, deadline);
  ::kill(-child, SIGKILL);  // the child is not reaped yet, so its number is still its own
  const int status = reap(child);
  if (!is_done) return fail(ErrorCode::kIo, "did not finish in " + seconds(limit));
  WAKEBUILDER_CHECK(judge(status, streams));
  return streams.output.contents();
}

}  // namespace

Result<std::string> run_program(std::span<const std::string> words, std::string_view input,
                                std::chrono::milliseconds limit) {
  WAKEBUILDER_EXPECT(!words.empty());
  auto output = run(words, input, limit);
  if (!output) return fail_in(core::shown(words[0]), std::move(output).error());
  return output;
}

}  // namespace wakebuilder::speech
