#include "pipeline/trainer_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <poll.h>

#include "wakebuilder/core/descriptor.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/spawn.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "wakebuilder-train";
constexpr int kPatienceMs = 100;

struct Pipe {
  core::Descriptor read, write;
};

Result<Pipe> open_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return fail(ErrorCode::kIo, std::string(kProgram) + ": no pipe to hear it through");
  return Pipe{core::Descriptor(ends[0]), core::Descriptor(ends[1])};
}

/// Threads that wait should sleep: the other core has work of its own.
std::vector<std::string> environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    entries.emplace_back(*entry);
  entries.emplace_back("OMP_WAIT_POLICY=passive");
  return entries;
}

Error start_failure(const fs::path& program, int error) {
  return {ErrorCode::kUnavailable,
          core::shown(program) + ": cannot be started: " + std::strerror(error)};  // NOLINT
}

/// A child that is told to go and waited for, whatever happens.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }

  void interrupt() const { ::kill(pid_, SIGINT); }

  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_;
};

/// Lines out of a pipe, as they come.
class Lines {
 public:
  explicit Lines(int descriptor) : descriptor_(descriptor) {}

  /// False at the end. A line that is not whole yet: nothing in `line`, after a while.
  bool next(std::optional<std::string>& line) {
    line.reset();
    if (take(line)) return true;
    struct pollfd waiting {
      .fd = descriptor_, .events = POLLIN, .revents = 0
    };
    if (::poll(&waiting, 1, kPatienceMs) <= 0) return true;
    std::array<char, 4096> bytes{};
    const ssize_t got = ::read(descriptor_, bytes.data(), bytes.size());
    if (got == 0 || (got < 0 && errno != EINTR)) return false;
    if (got > 0) text_.append(bytes.data(), static_cast<std::size_t>(got));
    take(line);
    return true;
  }

 private:
  bool take(std::optional<std::string>& line) {
    const std::size_t end = text_.find('\n');
    if (end == std::string::npos) return false;
    line = text_.substr(0, end);
    text_.erase(0, end + 1);
    return true;
  }

  int descriptor_;
  std::string text_;
};

ErrorCode code_of(const core::Value& name) {
  const auto* text = name.get_if<std::string>();
  for (const auto code : {ErrorCode::kInvalidArgument, ErrorCode::kNotFound, ErrorCode::kCorrupt,
                          ErrorCode::kUnsupported, ErrorCode::kMismatch, ErrorCode::kCheckFailed,
                          ErrorCode::kIo, ErrorCode::kUnavailable})
    if (text != nullptr && *text == to_string(code)) return code;
  return ErrorCode::kIo;
}

Result<core::Value> judge(const core::Value& last, int status) {
  const auto* message =
      last.find("message") != nullptr ? last.find("message")->get_if<std::string>() : nullptr;
  if (last.find("error") != nullptr && message != nullptr)
    return fail(code_of(*last.find("error")), std::string(kProgram) + ": " + *message);
  if (WIFSIGNALED(status)) {
    return fail(ErrorCode::kIo,
                std::string(kProgram) + ": was killed by signal " +
                    std::to_string(WTERMSIG(status)) +
                    (WTERMSIG(status) == SIGKILL ? "; is there memory enough?" : ""));
  }
  if (last.find("output") != nullptr && WIFEXITED(status) && WEXITSTATUS(status) == 0) return last;
  return fail(ErrorCode::kIo, std::string(kProgram) + ": ended without a result, with status " +
                                  std::to_string(WEXITSTATUS(status)));
}

}  // namespace

Result<fs::path> find_trainer(const fs::path& wanted) {
  const char* variable = std::getenv("WAKEBUILDER_TRAIN");  // NOLINT(concurrency-mt-unsafe)
  std::error_code error;
  const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path() / kProgram;
  fs::path program = kProgram;
  if (!wanted.empty()) {
    program = wanted;
  } else if (variable != nullptr && *variable != '\0') {
    program = variable;
  } else if (fs::exists(beside, error)) {
    program = beside;
  }
  if (auto found = core::find_program(program.string())) return *std::move(found);
  return fail(ErrorCode::kUnavailable,
              core::shown(program) + ": is not there; it comes with builds that have libtorch");
}

Result<core::Value> run_trainer(const fs::path& program, const fs::path& job,
                                const std::function<bool(const core::Value* line)>& on_line) {
  WAKEBUILDER_TRY(auto pipe, open_pipe());
  const core::Descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto [pid, error] = core::spawn({.program = program.string(),
                                         .arguments = {kProgram, job.string()},
                                         .environment = environment(),
                                         .files = {nothing.get(), pipe.write.get(), nothing.get()},
                                         .usual_signals = {SIGINT, SIGTERM, SIGPIPE}});
  if (error != 0) return fail(start_failure(program, error));
  Child child(pid);
  { const core::Descriptor ours = std::move(pipe.write); }  // the end of the child is the end
  Lines lines(pipe.read.get());
  core::Value last = core::Dict{};
  bool is_asked = false;
  std::optional<std::string> line;
  while (lines.next(line)) {
    const auto value = line ? core::parse_json(*line) : Result<core::Value>(core::Value());
    if (line && value) last = *value;
    const bool goes_on = on_line(line && value ? &last : nullptr);
    if (!goes_on && !is_asked) child.interrupt();
    is_asked = is_asked || !goes_on;
  }
  return judge(last, child.wait());
}

}  // namespace wakebuilder::pipeline
