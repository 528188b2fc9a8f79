#include "cli/process.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wakebuilder/core/json.h"

#include "support/sanitizer.h"

namespace wakebuilder::test {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kAlarmSeconds = kIsSanitized ? 120 : 20;
constexpr int kCannotStart = 99;

int scratch_file(const char* name) {
  const int file = ::memfd_create(name, MFD_CLOEXEC);
  if (file < 0) throw std::runtime_error("memfd_create failed");
  return file;
}

std::string take_text(int file) {
  std::string text(static_cast<std::size_t>(std::max<off_t>(::lseek(file, 0, SEEK_END), 0)), '\0');
  std::size_t position = 0;
  while (position < text.size()) {
    const ssize_t count =
        ::pread(file, text.data() + position, text.size() - position, static_cast<off_t>(position));
    if (count <= 0) break;
    position += static_cast<std::size_t>(count);
  }
  ::close(file);
  return text;
}

void limit_files(std::size_t bytes) {
  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(kCannotStart);
  std::signal(SIGXFSZ, SIG_IGN);  // write() then fails, as on a full disk
}

void limit_memory(std::size_t bytes) {
  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  if (::setrlimit(RLIMIT_DATA, &limit) != 0) ::_exit(kCannotStart);
}

void become_nobody() {
  constexpr uid_t kNobody = 65534;
  if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) ::_exit(kCannotStart);
}

void prepare(const Surroundings& surroundings, const Child& child) {
  const bool has_input = !surroundings.input_from.empty();
  ::dup2(::open(has_input ? surroundings.input_from.c_str() : "/dev/null", O_RDONLY), STDIN_FILENO);
  const bool to_file = !surroundings.output_to.empty();
  ::dup2(to_file ? ::open(surroundings.output_to.c_str(), O_WRONLY) : child.out, STDOUT_FILENO);
  ::dup2(child.err, STDERR_FILENO);
  ::unsetenv("WAKEBUILDER_MODELS");
  for (const auto& [name, value] : surroundings.environment)
    ::setenv(name.c_str(), value.c_str(), 1);
  if (!surroundings.folder.empty() && ::chdir(surroundings.folder.c_str()) != 0)
    ::_exit(kCannotStart);
  if (surroundings.largest_file) limit_files(*surroundings.largest_file);
  if (surroundings.memory) limit_memory(*surroundings.memory);
  if (surroundings.as_nobody) become_nobody();
  ::alarm(kAlarmSeconds * surroundings.patience);
}

}  // namespace

Child start(const std::vector<std::string>& arguments, const Surroundings& surroundings,
            void (*before)()) {
  Child child{.pid = 0, .out = scratch_file("out"), .err = scratch_file("err")};
  std::vector<char*> argv = {const_cast<char*>("wakebuilder")};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  child.pid = ::fork();
  if (child.pid < 0) throw std::runtime_error("fork failed");
  if (child.pid == 0) {
    prepare(surroundings, child);
    if (before != nullptr) before();
    ::execv(surroundings.program.c_str(), argv.data());
    ::_exit(kCannotStart);
  }
  return child;
}

Outcome finish(const Child& child) {
  int status = 0;
  rusage usage{};
  while (::wait4(child.pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = take_text(child.out),
          .err = take_text(child.err),
          .peak_kib = usage.ru_maxrss};
}

Outcome run(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
  return finish(start(arguments, surroundings));
}

core::Value json_of(const Outcome& outcome) {
  auto value = core::parse_json(outcome.out);
  return value ? *std::move(value) : core::Value();
}

fs::path data(const std::string& name) { return fs::path(WAKEBUILDER_TEST_DATA) / name; }

std::vector<std::string> all_names(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    names.push_back(fs::relative(entry.path(), folder).string());
  std::sort(names.begin(), names.end());
  return names;
}

bool lacks_runtime(const Outcome& outcome) {
  return outcome.status == 3 && outcome.err.find("ONNX Runtime is not there") != std::string::npos;
}

std::vector<std::vector<std::string>> index_of(const fs::path& path) {
  std::vector<std::vector<std::string>> rows;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);  // the heading
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, '\t');) rows.back().push_back(cell);
  }
  if (rows.empty()) throw std::runtime_error("no rows in " + path.string());
  return rows;
}

}  // namespace wakebuilder::test
