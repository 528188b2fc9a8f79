// An export is a transaction: whatever ends it, kill -9 included, the older model stays whole until
// the new one takes its place in one step, the checkpoint is never touched, and the next export
// puts everything in order.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/json.h"
#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/read.h"

#include "cli/process.h"
#include "support/matchers.h"
#include "support/sanitizer.h"
#include "support/temporary_folder.h"

namespace wakebuilder::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;

// ---- the n-th system call that changes a file

bool writes(std::uint64_t number) {
  return number == SYS_write || number == SYS_pwrite64 || number == SYS_writev;
}

bool opens(std::uint64_t number) {
#ifdef SYS_open
  if (number == SYS_open) return true;
#endif
  return number == SYS_openat;
}

bool renames_or_removes(std::uint64_t number) {
#ifdef SYS_rename
  if (number == SYS_rename || number == SYS_unlink) return true;
#endif
  return number == SYS_renameat || number == SYS_renameat2 || number == SYS_unlinkat;
}

/// True for a call that changes what is on the disk, or who holds a lock.
bool changes_files(std::uint64_t number, const std::uint64_t* arguments) {
  if (writes(number)) return arguments[0] > 2;  // not stdout, not stderr
  if (opens(number)) return (arguments[number == SYS_openat ? 2 : 1] & O_CREAT) != 0;
  return renames_or_removes(number) || number == SYS_fsync || number == SYS_fdatasync ||
         number == SYS_ftruncate || number == SYS_fchmod || number == SYS_flock ||
         number == SYS_mkdirat;
}

void ask_to_be_traced() {
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
}

struct Trace {
  bool is_allowed = true;
  bool is_killed = false;
  std::size_t calls = 0;  ///< that change files, of those that were let through
  Outcome outcome;
};

/// True when a stopped process is about to change a file.
bool is_about_to_change(pid_t pid, int status) {
  if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80)) return false;
  __ptrace_syscall_info info{};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): ptrace is what it is
  const auto size = ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
  return size > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY &&
         changes_files(info.entry.nr, info.entry.args);
}

/// The signal that a stopped process is to get when it goes on; 0 for the stops of tracing itself.
int signal_to_pass(int status) {
  const int signal = WSTOPSIG(status);
  return signal == SIGTRAP || signal == (SIGTRAP | 0x80) ? 0 : signal;
}

/// Runs the program and kills it when it is about to make the n-th such call (from 0 on).
Trace run_and_kill_at(std::size_t n, const std::vector<std::string>& arguments,
                      const Surroundings& surroundings) {
  const Child child = start(arguments, surroundings, ask_to_be_traced);
  Trace trace;
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  if (!WIFSTOPPED(status)) return {.is_allowed = false, .outcome = {}};
  ::ptrace(PTRACE_SETOPTIONS, child.pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  while (WIFSTOPPED(status)) {
    if (is_about_to_change(child.pid, status) && trace.calls++ == n) {
      ::kill(child.pid, SIGKILL);
      trace.is_killed = true;
      --trace.calls;
      break;
    }
    ::ptrace(PTRACE_SYSCALL, child.pid, 0, signal_to_pass(status));
    siginfo_t info{};  // leaves the end of the process to finish()
    ::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WSTOPPED | WNOWAIT);
    if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
      break;
    ::waitpid(child.pid, &status, 0);
  }
  trace.outcome = finish(child);
  return trace;
}

// ---- a registry with an older model

constexpr const char* kOldMetadata = R"({"wake_word": "jarvis", "threshold": 0.5, "note": "old"})";

struct Files {
  std::string checkpoint;
  std::string onnx;
  std::string metadata;
};

class TransactionTest : public testing::Test {
 protected:
  void SetUp() override {
    before_.checkpoint = read(data("checkpoints/combos/tcn.pt"));
    before_.metadata = kOldMetadata;
    const Outcome old = test::run({"export", data("checkpoints/combos/plain.pt"), "--output",
                                   (folder_ / "old.onnx").string()});
    WAKEBUILDER_SKIP_WITHOUT_RUNTIME(old);
    ASSERT_EQ(old.status, 0) << old.err;
    before_.onnx = read(folder_ / "old.onnx");
    fs::remove(folder_ / "old.onnx");
    restore();
    ASSERT_EQ(run(export_).status, 0);
    after_ = files();
    ASSERT_NE(after_.onnx, before_.onnx);
    ASSERT_NE(after_.metadata, before_.metadata);
    restore();
  }

  Surroundings surroundings() const {
    // A leak check cannot run under ptrace, nor after a kill.
    return {.folder = folder_.path(),
            .environment = {{"ASAN_OPTIONS", "detect_leaks=0"}},
            .largest_file = {},
            .output_to = {}};
  }

  Outcome run(const std::vector<std::string>& arguments) const {
    return test::run(arguments, surroundings());
  }

  fs::path model() const { return folder_ / "models" / "custom" / "jarvis"; }

  /// The older model, and nothing else.
  void restore() const {
    fs::remove_all(folder_ / "models");
    write(model() / "jarvis.pt", before_.checkpoint);
    write(model() / "jarvis.onnx", before_.onnx);
    write(model() / "jarvis.json", before_.metadata);
  }

  Files files() const {
    return {.checkpoint = read(model() / "jarvis.pt"),
            .onnx = read(model() / "jarvis.onnx"),
            .metadata = read(model() / "jarvis.json")};
  }

  /// Old or new, each file whole; the metadata never ahead of the model.
  void expect_whole() const {
    const Files found = files();
    EXPECT_TRUE(found.checkpoint == before_.checkpoint);
    EXPECT_TRUE(found.onnx == before_.onnx || found.onnx == after_.onnx);
    EXPECT_TRUE(found.metadata == before_.metadata || found.metadata == after_.metadata);
    EXPECT_TRUE(found.metadata == before_.metadata || found.onnx == after_.onnx);
  }

  void expect_untouched() const {
    const Files found = files();
    EXPECT_TRUE(found.checkpoint == before_.checkpoint);
    EXPECT_TRUE(found.onnx == before_.onnx);
    EXPECT_TRUE(found.metadata == before_.metadata);
    EXPECT_THAT(all_names(model()), ElementsAre("jarvis.json", "jarvis.onnx", "jarvis.pt"));
  }

  /// The next export works and sweeps what the killed one left.
  void expect_recovery() const {
    const Outcome next = run(export_);
    ASSERT_EQ(next.status, 0) << next.err;
    const Files found = files();
    EXPECT_TRUE(found.onnx == after_.onnx);
    EXPECT_TRUE(found.metadata == after_.metadata);
    EXPECT_TRUE(found.checkpoint == before_.checkpoint);
    EXPECT_THAT(all_names(model()), ElementsAre("jarvis.json", "jarvis.onnx", "jarvis.pt"));
  }

  const std::vector<std::string> export_ = {"export", "jarvis"};
  TemporaryFolder folder_;
  Files before_;
  Files after_;
};

// ---- killed

TEST_F(TransactionTest, SurvivesAKillBeforeEverySystemCallThatChangesAFile) {
  const std::size_t step = kIsSanitized ? 5 : 1;  // sanitized programs start slowly
  std::size_t kills = 0;
  std::size_t kills_with_new_model = 0;
  for (std::size_t n = 0;; n += step) {
    SCOPED_TRACE("killed before call " + std::to_string(n));
    restore();
    const Trace trace = run_and_kill_at(n, export_, surroundings());
    if (!trace.is_allowed) GTEST_SKIP() << "tracing is not allowed here";
    expect_whole();
    if (!trace.is_killed) {
      EXPECT_EQ(trace.outcome.status, 0) << trace.outcome.err;
      EXPECT_GE(trace.calls, 12U);  // two files: create, lock, write, mode, sync, rename
      break;
    }
    EXPECT_EQ(trace.outcome.status, 128 + SIGKILL);
    ++kills;
    kills_with_new_model += files().onnx == after_.onnx ? 1U : 0U;
    expect_recovery();
    if (HasFailure()) return;
  }
  EXPECT_GE(kills, 12 / step);
  EXPECT_GT(kills_with_new_model, 0U);  // killed before the metadata followed
  EXPECT_LT(kills_with_new_model, kills);
}

TEST_F(TransactionTest, SurvivesKillsAtManyTimes) {
  constexpr int kKills = 60;
  const auto begin = Clock::now();
  ASSERT_EQ(run(export_).status, 0);
  const auto duration = Clock::now() - begin;
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  int killed = 0;
  for (int k = 0; k < kKills; ++k) {
    SCOPED_TRACE("killed after " + std::to_string(k) + " of 60 parts of its time");
    restore();
    const Child child = start(export_, surroundings());
    const auto delay = std::chrono::duration_cast<std::chrono::nanoseconds>(duration * k / kKills);
    const timespec wait{.tv_sec = delay.count() / 1'000'000'000,
                        .tv_nsec = delay.count() % 1'000'000'000};
    ::sigtimedwait(&signals, nullptr, &wait);  // until then, or until it has ended
    ::kill(child.pid, SIGKILL);
    killed += finish(child).status == 128 + SIGKILL ? 1 : 0;
    expect_whole();
    if (HasFailure()) return;
  }
  EXPECT_GE(killed, kKills / 4);
  expect_recovery();
}

TEST_F(TransactionTest, SurvivesAKillWhenTheWeightsGoToTheirOwnFile) {
  const std::vector<std::string> arguments = {"export",
                                              "--checkpoint",
                                              (model() / "jarvis.pt").string(),
                                              "--output",
                                              (model() / "jarvis.onnx").string(),
                                              "--external-data",
                                              "jarvis.data"};
  ASSERT_EQ(run(arguments).status, 0);
  const std::string new_model = read(model() / "jarvis.onnx");
  const std::string new_data = read(model() / "jarvis.data");
  ASSERT_FALSE(new_data.empty());
  const std::size_t step = kIsSanitized ? 5 : 1;
  for (std::size_t n = 0;; n += step) {
    SCOPED_TRACE("killed before call " + std::to_string(n));
    restore();
    const Trace trace = run_and_kill_at(n, arguments, surroundings());
    if (!trace.is_allowed) GTEST_SKIP() << "tracing is not allowed here";
    const Files found = files();
    EXPECT_TRUE(found.checkpoint == before_.checkpoint);
    EXPECT_TRUE(found.onnx == before_.onnx || found.onnx == new_model);
    EXPECT_TRUE(found.onnx == before_.onnx || read(model() / "jarvis.data") == new_data);
    if (HasFailure() || !trace.is_killed) return;
  }
}

// ---- ended by the machine

TEST_F(TransactionTest, AFullDiskLeavesTheOldModel) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{4096},
                                  after_.onnx.size() / 2, after_.onnx.size() - 1}) {
    SCOPED_TRACE(bytes);
    Surroundings full = surroundings();
    full.largest_file = bytes;
    full.output_to = "/dev/null";  // stdout is a file, too
    const Outcome outcome = test::run(export_, full);
    EXPECT_EQ(outcome.status, 3);
    expect_untouched();
  }
}

TEST_F(TransactionTest, AFullDiskIsSaidInASentence) {
  Surroundings full = surroundings();
  full.largest_file = 4096;
  const Outcome outcome = test::run({"export", "jarvis", "--json"}, full);
  EXPECT_EQ(outcome.status, 3);
  EXPECT_EQ(outcome.err,
            "wakebuilder: export: models/custom/jarvis/jarvis.onnx: cannot be written: File too "
            "large\n");
  EXPECT_THAT(outcome.out, HasSubstr(R"("error":"io")"));
  expect_untouched();
}

TEST_F(TransactionTest, AReadOnlyFolderLeavesTheOldModel) {
  fs::permissions(folder_.path(), fs::perms(0755));
  fs::permissions(model(), fs::perms(0555));
  Surroundings nobody = surroundings();
  nobody.as_nobody = true;
  const Outcome outcome = test::run(export_, nobody);
  fs::permissions(model(), fs::perms(0755));
  if (outcome.status == 99 || lacks_runtime(outcome))
    GTEST_SKIP() << "the program cannot run as another user here: " << outcome.err;
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("jarvis.onnx: cannot be written: Permission denied"));
  expect_untouched();
}

// ---- refused

TEST_F(TransactionTest, AFailedComparisonLeavesTheOldModelAndNamesTheFirstLayer) {
  const Outcome outcome = run({"export", "jarvis", "--atol", "0", "--json"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("logits differ from the reference interpreter"));
  EXPECT_THAT(outcome.err, HasSubstr("allowed 0; the first layer that differs is input_norm"));
  EXPECT_THAT(outcome.out, HasSubstr(R"("error":"check_failed")"));
  expect_untouched();
}

TEST_F(TransactionTest, AFailedComparisonLeavesNoWeightsFile) {
  const Outcome outcome = run({"export", "jarvis", "--atol", "0", "--external-data", "j.data"});
  EXPECT_EQ(outcome.status, 1);
  expect_untouched();
}

TEST_F(TransactionTest, AFailedComparisonLeavesTheOldModelAndItsWeightsEvenByForce) {
  const std::vector<std::string> arguments = {"export", "jarvis", "--external-data", "jarvis.data",
                                              "--force"};
  ASSERT_EQ(run(arguments).status, 0);
  const std::string old_model = files().onnx;
  const std::string old_weights = read(model() / "jarvis.data");
  fs::copy_file(data("checkpoints/combos/attention.pt"), model() / "jarvis.pt",
                fs::copy_options::overwrite_existing);
  auto failing = arguments;
  failing.insert(failing.end(), {"--atol", "0"});
  EXPECT_EQ(run(failing).status, 1);
  EXPECT_TRUE(files().onnx == old_model);
  EXPECT_TRUE(read(model() / "jarvis.data") == old_weights);
  EXPECT_EQ(run(arguments).status, 0);
  EXPECT_FALSE(read(model() / "jarvis.data") == old_weights);
  EXPECT_EQ(run({"validate", "jarvis"}).status, 0);
  EXPECT_THAT(all_names(model()),
              ElementsAre("jarvis.data", "jarvis.json", "jarvis.onnx", "jarvis.pt"));
}

TEST_F(TransactionTest, AMissingRuntimeLeavesTheOldModel) {
  const Outcome outcome = run({"export", "jarvis", "--onnxruntime", "/nowhere/ort.so"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("/nowhere/ort.so"));
  expect_untouched();
}

TEST_F(TransactionTest, ADamagedCheckpointLeavesTheOldModel) {
  const std::string half = before_.checkpoint.substr(0, before_.checkpoint.size() / 2);
  write(model() / "jarvis.pt", half);
  EXPECT_EQ(run(export_).status, 2);
  EXPECT_TRUE(files().onnx == before_.onnx);
  EXPECT_TRUE(files().metadata == before_.metadata);
  EXPECT_TRUE(files().checkpoint == half);
}

TEST_F(TransactionTest, TheCheckpointCannotBeTheOutput) {
  fs::create_hard_link(model() / "jarvis.pt", model() / "hard.onnx");
  fs::create_symlink("jarvis.pt", model() / "soft.onnx");
  const std::string checkpoint = model() / "jarvis.pt";
  for (const std::string output : {"jarvis.pt", "hard.onnx", "soft.onnx", "../jarvis/jarvis.pt"}) {
    for (const std::vector<std::string>& force :
         std::vector<std::vector<std::string>>{{}, {"--force"}}) {
      std::vector<std::string> arguments = {"export", checkpoint, "--output",
                                            (model() / output).string()};
      arguments.insert(arguments.end(), force.begin(), force.end());
      const Outcome outcome = run(arguments);
      EXPECT_EQ(outcome.status, 2) << output;
      EXPECT_THAT(outcome.err, HasSubstr("is the checkpoint and cannot be the output"));
    }
  }
  const Outcome data = run({"export", "jarvis", "--external-data", "jarvis.pt", "--force"});
  EXPECT_EQ(data.status, 2);
  EXPECT_THAT(data.err, HasSubstr("is the checkpoint and cannot be the output"));
  EXPECT_TRUE(files().checkpoint == before_.checkpoint);
}

TEST_F(TransactionTest, AnOutputThatIsNoModelNeedsForce) {
  write(model() / "jarvis.onnx", "my notes");
  const Outcome refused = run(export_);
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("jarvis.onnx: is there already and is no ONNX model"));
  EXPECT_EQ(files().onnx, "my notes");
  EXPECT_TRUE(files().metadata == before_.metadata);
  EXPECT_EQ(run({"export", "jarvis", "--force"}).status, 0);
  EXPECT_TRUE(files().onnx == after_.onnx);
}

TEST_F(TransactionTest, AnOlderModelOfAnyMakerIsReplacedWithoutForce) {
  ASSERT_EQ(run(export_).status, 0);
  EXPECT_TRUE(files().onnx == after_.onnx);
}

TEST_F(TransactionTest, TheModeOfTheOldModelIsKept) {
  fs::permissions(model() / "jarvis.onnx", fs::perms(0640));
  fs::permissions(model() / "jarvis.json", fs::perms(0600));
  ASSERT_EQ(run(export_).status, 0);
  EXPECT_EQ(fs::status(model() / "jarvis.onnx").permissions(), fs::perms(0640));
  EXPECT_EQ(fs::status(model() / "jarvis.json").permissions(), fs::perms(0600));
}

/// Two exports of the same model at the same time: each as if it were alone.
TEST_F(TransactionTest, ExportsOfOneModelAtTheSameTimeDoNotDisturbEachOther) {
  std::vector<Child> children;
  children.reserve(4);
  for (int i = 0; i < 4; ++i) children.push_back(start(export_, surroundings()));
  for (const Child& child : children) {
    const Outcome outcome = finish(child);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  }
  EXPECT_TRUE(files().onnx == after_.onnx);
  EXPECT_TRUE(files().metadata == after_.metadata);
  EXPECT_THAT(all_names(model()), ElementsAre("jarvis.json", "jarvis.onnx", "jarvis.pt"));
}

TEST_F(TransactionTest, WhatIsPublishedIsASoundModel) {
  ASSERT_EQ(run(export_).status, 0);
  const auto published = onnx::read_model(model() / "jarvis.onnx");
  ASSERT_THAT(published, IsOk());
  const auto checked = onnx::check_structure(*published, model());
  EXPECT_TRUE(core::passes(checked.findings));
  EXPECT_NE(published->metadata("max_abs_diff"), nullptr);
}

}  // namespace
}  // namespace wakebuilder::test
