#include "cli/command_hook.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::cli {
namespace {

namespace fs = std::filesystem;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::IsEmpty;

/// True when this process has no child at all, running or ended.
bool has_no_child() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

/// Returns when some child has ended; leaves it to be waited for.
void await_an_end() {
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
}

/// A named pipe. A command that opens it for reading stands still until open() is called.
class Gate {
 public:
  explicit Gate(fs::path path) : path_(std::move(path)) {
    if (::mkfifo(path_.c_str(), 0600) != 0) throw std::runtime_error("cannot make a pipe");
  }
  CommandHook::Variables variable() const { return {{"GATE", path_.string()}}; }
  void open() const { ::close(::open(path_.c_str(), O_WRONLY)); }

 private:
  fs::path path_;
};

/// What a command wrote to "$OUT".
std::string output_of(const std::string& command, CommandHook::Variables variables = {}) {
  const TemporaryFolder folder;
  variables.emplace_back("OUT", folder / "out");
  CommandHook hook(command);
  EXPECT_THAT(hook.start(variables), IsOk());
  hook.finish();
  EXPECT_THAT(hook.take_complaints(), IsEmpty());
  return test::read(folder / "out");
}

TEST(CommandHook, PassesTheDetectionInTheEnvironment) {
  EXPECT_EQ(output_of("printf '%s|' \"$WAKEWORD\" \"$SCORE\" \"$TIME\" >\"$OUT\"",
                      {{"WAKEWORD", "hey jarvis"}, {"SCORE", "0.97"}, {"TIME", "3.42"}}),
            "hey jarvis|0.97|3.42|");
}

TEST(CommandHook, KeepsTheEnvironmentAndReplacesWhatHasTheSameName) {
  ::setenv("WAKEBUILDER_HOOK_KEPT", "kept", 1);
  ::setenv("WAKEBUILDER_HOOK_SET", "old", 1);
  EXPECT_EQ(output_of("env | grep '^WAKEBUILDER_HOOK_' | sort >\"$OUT\"",
                      {{"WAKEBUILDER_HOOK_SET", "new"}}),
            "WAKEBUILDER_HOOK_KEPT=kept\nWAKEBUILDER_HOOK_SET=new\n");
  ::unsetenv("WAKEBUILDER_HOOK_KEPT");
  ::unsetenv("WAKEBUILDER_HOOK_SET");
}

TEST(CommandHook, ReadsNoWakeWordAsShell) {
  const TemporaryFolder folder;
  const std::string target = folder / "harmed";
  const std::string word = "\"; touch " + target + "; $(touch " + target + ") `touch " + target +
                           "` ' \n touch " + target + " #";
  EXPECT_EQ(output_of("printf '%s' \"$WAKEWORD\" >\"$OUT\"; echo $WAKEWORD >/dev/null",
                      {{"WAKEWORD", word}}),
            word);
  EXPECT_FALSE(fs::exists(target));
}

TEST(CommandHook, TakesACommandThatBeginsLikeAnOption) {
  CommandHook hook("-x");
  ASSERT_THAT(hook.start({}), IsOk());
  hook.finish();
  EXPECT_THAT(hook.take_complaints(),
              ElementsAre("--on-detect: the command failed with status 127: -x"));
}

TEST(CommandHook, SkipsAndCountsWhatWouldBeTooMuch) {
  const TemporaryFolder folder;
  const Gate first(folder / "first");
  const Gate second(folder / "second");
  CommandHook hook(": <\"$GATE\"", 2);
  EXPECT_EQ(hook.start(first.variable()), true);
  EXPECT_EQ(hook.start(second.variable()), true);
  EXPECT_EQ(hook.start(second.variable()), false);
  EXPECT_EQ(hook.start(second.variable()), false);
  EXPECT_EQ(hook.running(), 2U);
  EXPECT_EQ(hook.skipped(), 2U);
  first.open();
  await_an_end();
  EXPECT_EQ(hook.start(first.variable()), true);
  second.open();
  first.open();
  hook.finish();
  EXPECT_EQ(hook.skipped(), 2U);
  EXPECT_TRUE(has_no_child());
}

TEST(CommandHook, LeavesNoZombies) {
  CommandHook hook(":");
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(hook.start({}), true);
    await_an_end();
    EXPECT_EQ(hook.running(), 1U);
    hook.poll();
    EXPECT_EQ(hook.running(), 0U);
    EXPECT_TRUE(has_no_child());
  }
}

TEST(CommandHook, WaitsAtItsEnd) {
  const TemporaryFolder folder;
  const Gate gate(folder / "gate");
  {
    CommandHook hook(": <\"$GATE\"; echo done >\"$OUT\"");
    ASSERT_EQ(hook.start({gate.variable()[0], {"OUT", folder / "out"}}), true);
    gate.open();
  }
  EXPECT_EQ(test::read(folder / "out"), "done\n");
  EXPECT_TRUE(has_no_child());
}

TEST(CommandHook, ComplainsOnceAboutEachFailure) {
  CommandHook hook("exit $STATUS");
  for (const char* status : {"3", "0", "1"}) ASSERT_EQ(hook.start({{"STATUS", status}}), true);
  hook.finish();
  EXPECT_THAT(
      hook.take_complaints(),
      testing::UnorderedElementsAre("--on-detect: the command failed with status 3: exit $STATUS",
                                    "--on-detect: the command failed with status 1: exit $STATUS"));
  EXPECT_THAT(hook.take_complaints(), IsEmpty());
}

TEST(CommandHook, EscapesTheCommandInAComplaint) {
  CommandHook hook("false '\x1b[31m'\n");
  ASSERT_EQ(hook.start({}), true);
  hook.finish();
  EXPECT_THAT(hook.take_complaints(),
              ElementsAre(R"(--on-detect: the command failed with status 1: false '\x1b[31m'\n)"));
}

TEST(CommandHook, SaysWhenItCannotStart) {
  CommandHook hook("true");
  const std::string huge(32U << 20U, 'x');  // more than Linux passes to a program
  EXPECT_THAT(hook.start({{"WAKEWORD", huge}}),
              HasError(ErrorCode::kIo, "--on-detect: the command cannot be started: Argument"));
  EXPECT_EQ(hook.running(), 0U);
  EXPECT_TRUE(has_no_child());
}

TEST(CommandHook, RefusesVariablesThatAreNone) {
  CommandHook hook("true");
  EXPECT_THROW(static_cast<void>(hook.start({{"A=B", "c"}})), std::logic_error);
  EXPECT_THROW(static_cast<void>(hook.start({{"", "c"}})), std::logic_error);
}

TEST(CommandHook, SendsItsOutputToOurErrorsAndReadsNothing) {
  const TemporaryFolder folder;
  const int saved = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  const int file = ::open((folder / "err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ::dup2(file, STDERR_FILENO);
  CommandHook hook("echo said; cat; echo read");
  const auto started = hook.start({});
  hook.finish();
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  ::close(file);
  EXPECT_THAT(started, IsOk());
  EXPECT_EQ(test::read(folder / "err"), "said\nread\n");
}

TEST(CommandHook, PassesNoOpenFileOn) {
  const int descriptor = ::fcntl(STDERR_FILENO, F_DUPFD, 100);  // as a careless library would
  ASSERT_GE(descriptor, 100);
  EXPECT_EQ(output_of("if [ -e /proc/self/fd/$FD ]; then echo open; else echo closed; fi >\"$OUT\"",
                      {{"FD", std::to_string(descriptor)}}),
            "closed\n");
  ::close(descriptor);
}

TEST(CommandHook, HasASessionOfItsOwn) {
  EXPECT_EQ(output_of("read -r pid name state parent group session rest </proc/self/stat; "
                      "[ \"$pid\" = \"$session\" ] && echo own >\"$OUT\""),
            "own\n");
}

TEST(CommandHook, GivesSignalsTheirUsualMeaning) {
  auto* const before = std::signal(SIGPIPE, SIG_IGN);
  CommandHook hook("kill -PIPE $$");
  ASSERT_EQ(hook.start({}), true);
  hook.finish();
  std::signal(SIGPIPE, before);
  EXPECT_THAT(hook.take_complaints(),
              ElementsAre("--on-detect: the command was ended by signal 13: kill -PIPE $$"));
}

}  // namespace
}  // namespace wakebuilder::cli
