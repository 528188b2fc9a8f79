#include "wakebuilder/core/spawn.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "wakebuilder/core/descriptor.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/temporary_folder.h"

namespace wakebuilder::core {
namespace {

/// What `sh -c SCRIPT` says on its stdout.
std::string said_by(const std::string& script, SpawnOptions options = {}) {
  const auto folder = TemporaryFolder::make("wakebuilder-spawn-");
  EXPECT_TRUE(folder);
  const auto file = *folder / "out";
  {
    const Descriptor out(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    options.program = "sh";
    options.arguments = {"sh", "-c", script};
    options.files[1] = out.get();
    const auto [child, error] = spawn(options);
    EXPECT_EQ(error, 0);
    ::waitpid(child, nullptr, 0);
  }
  return *read_text(file);
}

TEST(Spawn, FindsProgramsAndGivesThemTheirWordsAndFiles) {
  EXPECT_EQ(said_by("printf '%s' \"$0\""), "sh");
}

TEST(Spawn, GivesOurEnvironmentOrAnother) {
  ::setenv("WAKEBUILDER_SPAWN_TEST", "ours", 1);
  EXPECT_EQ(said_by("printf '%s' \"$WAKEBUILDER_SPAWN_TEST\""), "ours");
  EXPECT_EQ(said_by("printf '%s' \"$WAKEBUILDER_SPAWN_TEST\"",
                    {.program = {}, .arguments = {}, .environment = {{"OTHER=1"}}}),
            "");
  ::unsetenv("WAKEBUILDER_SPAWN_TEST");
}

TEST(Spawn, SaysWhyThereIsNoChild) {
  EXPECT_EQ(spawn({.program = "wakebuilder-no-such-program", .arguments = {"x"}}).error, ENOENT);
}

TEST(Spawn, TheChildIsAGroupOrASessionOfItsOwn) {
  for (const bool new_session : {false, true}) {
    const auto [child, error] =
        spawn({.program = "sleep", .arguments = {"sleep", "60"}, .new_session = new_session});
    ASSERT_EQ(error, 0);
    EXPECT_EQ(::getpgid(child), child);
    EXPECT_EQ(::getsid(child) == child, new_session);
    ::kill(-child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
}

TEST(TemporaryFolder, GoesAwayWithAllThatIsInIt) {
  std::filesystem::path path;
  {
    auto folder = TemporaryFolder::make("wakebuilder-folder-");
    ASSERT_TRUE(folder);
    path = folder->path();
    ASSERT_TRUE(write_file(*folder / "file", "text"));
    const TemporaryFolder moved = *std::move(folder);
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace wakebuilder::core
