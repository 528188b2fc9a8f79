#include "wakebuilder/core/file.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/child.h"
#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::core {
namespace {

namespace fs = std::filesystem;
using test::HasError;
using test::IsOk;
using test::status_of_child;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::IsEmpty;

fs::perms mode_of(const fs::path& path) { return fs::status(path).permissions(); }

/// The same as a user who may do less than root.
template <class Function>
int status_as_nobody(Function child) {
  constexpr uid_t kNobody = 65534;
  return status_of_child([&] {
    if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) return 201;
    return child();
  });
}

/// What the process leaves that is killed while it writes `target`.
fs::path abandon_staged_file(const fs::path& target) {
  std::array<int, 2> pipe_ends{};
  if (::pipe(pipe_ends.data()) != 0) return {};
  const pid_t pid = ::fork();
  if (pid == 0) {
    auto staged = StagedFile::create(target);
    if (!staged || !staged->write(std::string_view("half"))) ::_exit(1);
    const std::string path = staged->path().string();
    const ssize_t written = ::write(pipe_ends[1], path.data(), path.size());
    ::kill(::getpid(), SIGKILL);
    ::_exit(written < 0 ? 1 : 0);
  }
  ::close(pipe_ends[1]);
  std::array<char, 4096> path{};
  const ssize_t length = ::read(pipe_ends[0], path.data(), path.size());
  ::close(pipe_ends[0]);
  ::waitpid(pid, nullptr, 0);
  return std::string(path.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
}

// ---- reading

TEST(MappedFile, ShowsTheBytesOfAFile) {
  const TemporaryFolder folder;
  test::write(folder / "file", std::string("a\0b", 3));
  const auto file = MappedFile::open(folder / "file");
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ((*file)->bytes().size(), 3U);
  EXPECT_EQ(read_text(folder / "file"), std::string("a\0b", 3));
}

TEST(MappedFile, StaysReadableWhenTheFileIsReplaced) {
  const TemporaryFolder folder;
  test::write(folder / "file", "old");
  const auto file = MappedFile::open(folder / "file");
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(write_file(folder / "file", "newer"), IsOk());
  EXPECT_EQ(std::to_integer<char>((*file)->bytes()[0]), 'o');
  EXPECT_EQ(read_text(folder / "file"), "newer");
}

TEST(MappedFile, IsEmptyForAnEmptyFile) {
  const TemporaryFolder folder;
  test::write(folder / "empty", "");
  const auto file = MappedFile::open(folder / "empty");
  ASSERT_THAT(file, IsOk());
  EXPECT_TRUE((*file)->bytes().empty());
  EXPECT_EQ(read_text(folder / "empty"), "");
}

TEST(MappedFile, NamesTheFileThatIsNotThere) {
  const TemporaryFolder folder;
  const std::string path = folder / "missing.pt";
  EXPECT_THAT(MappedFile::open(path), HasError(ErrorCode::kNotFound, path + ": no such file"));
  test::write(folder / "file", "x");
  EXPECT_THAT(MappedFile::open(folder / "file" / "below"),
              HasError(ErrorCode::kNotFound, "no such file"));
  EXPECT_THAT(MappedFile::open(""), HasError(ErrorCode::kNotFound, "no such file"));
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_THAT(MappedFile::open(folder.path()),
              HasError(ErrorCode::kUnsupported, "expected a file, found a folder"));
  EXPECT_THAT(MappedFile::open("/dev/null"),
              HasError(ErrorCode::kUnsupported, "expected a file, found a device"));
}

TEST(MappedFile, DoesNotWaitForAPipe) {
  const TemporaryFolder folder;
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(MappedFile::open(pipe), HasError(ErrorCode::kUnsupported, "expected a file"));
}

TEST(MappedFile, SaysWhenItMayNotRead) {
  const TemporaryFolder folder;
  fs::permissions(folder.path(), fs::perms(0755));
  test::write(folder / "secret", "x");
  fs::permissions(folder / "secret", fs::perms::none);
  const int status = status_as_nobody([&] {
    const auto file = MappedFile::open(folder / "secret");
    if (file || file.error().code != ErrorCode::kIo) return 1;
    return file.error().message.ends_with("secret: cannot be read: Permission denied") ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
}

TEST(MappedFile, EscapesTheNameInItsError) {
  EXPECT_THAT(MappedFile::open("no\x1b[31m\nfile"),
              HasError(ErrorCode::kNotFound, R"(no\x1b[31m\nfile: no such file)"));
}

// ---- writing

TEST(StagedFile, LeavesTheTargetAloneUntilItIsPublished) {
  const TemporaryFolder folder;
  test::write(folder / "model.onnx", "old");
  auto staged = StagedFile::create(folder / "model.onnx");
  ASSERT_THAT(staged, IsOk());
  ASSERT_THAT(staged->write(std::string_view("new ")), IsOk());
  ASSERT_THAT(staged->write(std::string_view("model")), IsOk());
  EXPECT_EQ(test::read(folder / "model.onnx"), "old");
  EXPECT_EQ(test::read(staged->path()), "new model");
  EXPECT_EQ(staged->path().parent_path(), folder.path());
  EXPECT_EQ(staged->target(), folder / "model.onnx");
  ASSERT_THAT(staged->publish(), IsOk());
  EXPECT_EQ(test::read(folder / "model.onnx"), "new model");
  EXPECT_THAT(folder.names(), ElementsAre("model.onnx"));
}

TEST(StagedFile, RemovesWhatIsNotPublished) {
  const TemporaryFolder folder;
  test::write(folder / "model.onnx", "old");
  {
    auto staged = StagedFile::create(folder / "model.onnx");
    ASSERT_THAT(staged, IsOk());
    ASSERT_THAT(staged->write(std::string_view("new")), IsOk());
  }
  EXPECT_EQ(test::read(folder / "model.onnx"), "old");
  EXPECT_THAT(folder.names(), ElementsAre("model.onnx"));
}

TEST(StagedFile, CannotBeWrittenAfterItIsPublished) {
  const TemporaryFolder folder;
  auto staged = StagedFile::create(folder / "file");
  ASSERT_THAT(staged, IsOk());
  ASSERT_THAT(staged->publish(), IsOk());
  EXPECT_THROW(static_cast<void>(staged->write(std::string_view("late"))), std::logic_error);
  EXPECT_THROW(static_cast<void>(staged->publish()), std::logic_error);
  EXPECT_TRUE(fs::exists(folder / "file"));
}

TEST(StagedFile, MovesWithItsDuties) {
  const TemporaryFolder folder;
  auto first = StagedFile::create(folder / "first");
  auto second = StagedFile::create(folder / "second");
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  ASSERT_THAT(second->write(std::string_view("second")), IsOk());
  *first = std::move(*second);
  EXPECT_EQ(folder.names().size(), 1U);  // what was staged for `first` is discarded
  StagedFile third = std::move(*first);
  ASSERT_THAT(third.publish(), IsOk());
  EXPECT_THAT(folder.names(), ElementsAre("second"));
}

TEST(StagedFile, KeepsTheModeOfTheFileThatItReplaces) {
  const TemporaryFolder folder;
  test::write(folder / "file", "old");
  for (const unsigned mode : {0640U, 0600U, 0664U, 0444U}) {
    fs::permissions(folder / "file", fs::perms(mode));
    ASSERT_THAT(write_file(folder / "file", "new"), IsOk());
    EXPECT_EQ(mode_of(folder / "file"), fs::perms(mode));
  }
}

TEST(StagedFile, GivesANewFileTheModeOfTheUmask) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  const auto written = write_file(folder / "file", "new");
  const mode_t during = ::umask(before);
  ASSERT_THAT(written, IsOk());
  EXPECT_EQ(mode_of(folder / "file"), fs::perms(0640));
  EXPECT_EQ(during, 027U);
}

TEST(StagedFile, WritesIntoTheCurrentFolderByABareName) {
  const TemporaryFolder folder;
  const int status = status_of_child([&] {
    if (::chdir(folder.path().c_str()) != 0) return 1;
    return write_file("bare", "text") ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(test::read(folder / "bare"), "text");
}

TEST(StagedFile, RefusesAFolderThatIsNotThere) {
  const TemporaryFolder folder;
  EXPECT_THAT(StagedFile::create(folder / "missing" / "file"),
              HasError(ErrorCode::kNotFound, "missing/file: its folder is not there"));
  test::write(folder / "file", "x");
  EXPECT_THAT(StagedFile::create(folder / "file" / "below"),
              HasError(ErrorCode::kNotFound, "its folder is not there"));
}

TEST(StagedFile, RefusesTargetsThatAreNoFiles) {
  const TemporaryFolder folder;
  EXPECT_THAT(StagedFile::create(folder.path()),
              HasError(ErrorCode::kInvalidArgument, "found a folder or a device"));
  EXPECT_THAT(StagedFile::create("/dev/null"),
              HasError(ErrorCode::kInvalidArgument, "found a folder or a device"));
  EXPECT_THAT(StagedFile::create(folder.path() / ""),
              HasError(ErrorCode::kInvalidArgument, "expected a file name to write"));
  EXPECT_THAT(StagedFile::create(""),
              HasError(ErrorCode::kInvalidArgument, "expected a file name to write"));
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(StagedFile, SaysWhenTheFolderIsReadOnlyAndLeavesTheOldFile) {
  const TemporaryFolder folder;
  test::write(folder / "file", "old");
  fs::permissions(folder.path(), fs::perms(0555));
  const int status = status_as_nobody([&] {
    const auto written = write_file(folder / "file", "new");
    if (written || written.error().code != ErrorCode::kIo) return 1;
    return written.error().message.ends_with("file: cannot be written: Permission denied") ? 0 : 2;
  });
  fs::permissions(folder.path(), fs::perms(0755));
  EXPECT_EQ(status, 0);
  EXPECT_EQ(test::read(folder / "file"), "old");
  EXPECT_THAT(folder.names(), ElementsAre("file"));
}

TEST(StagedFile, SaysWhenTheDiskIsFullAndLeavesTheOldFile) {
  const TemporaryFolder folder;
  test::write(folder / "file", "old");
  const int status = status_of_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);  // then write() fails, as on a full disk
    const rlimit limit{.rlim_cur = 1000, .rlim_max = 1000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    const auto written = write_file(folder / "file", std::string(5000, 'x'));
    if (written || written.error().code != ErrorCode::kIo) return 2;
    return written.error().message ==
                   (folder / "file").string() + ": cannot be written: File too large"
               ? 0
               : 3;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(test::read(folder / "file"), "old");
  EXPECT_THAT(folder.names(), ElementsAre("file"));
}

TEST(StagedFile, SweepsWhatAKilledProcessLeft) {
  const TemporaryFolder folder;
  const fs::path left = abandon_staged_file(folder / "model.onnx");
  ASSERT_EQ(test::read(left), "half");
  const std::string name = left.filename().string();
  EXPECT_TRUE(name.starts_with(".model.onnx.") && name.ends_with(".tmp")) << name;
  ASSERT_THAT(write_file(folder / "model.onnx", "new"), IsOk());
  EXPECT_THAT(folder.names(), ElementsAre("model.onnx"));
}

TEST(StagedFile, LeavesWhatALivingProcessWrites) {
  const TemporaryFolder folder;
  auto other = StagedFile::create(folder / "model.onnx");
  ASSERT_THAT(other, IsOk());
  ASSERT_THAT(other->write(std::string_view("slow")), IsOk());
  EXPECT_EQ(status_of_child([&] { return write_file(folder / "model.onnx", "fast") ? 0 : 1; }), 0);
  EXPECT_EQ(test::read(folder / "model.onnx"), "fast");
  ASSERT_THAT(other->publish(), IsOk());
  EXPECT_EQ(test::read(folder / "model.onnx"), "slow");
  EXPECT_THAT(folder.names(), ElementsAre("model.onnx"));
}

TEST(StagedFile, SweepsOnlyTheLeftoversOfItsOwnTarget) {
  const TemporaryFolder folder;
  const std::vector<std::string> others = {".model.onnx.tmp", ".model.onnx.1234567.tmp",
                                           ".other.onnx.123456.tmp", "model.onnx.123456.tmp",
                                           ".model.onnx.123456.bak"};
  for (const std::string& name : others) test::write(folder / name, "mine");
  fs::create_symlink(folder / "model.onnx.123456.tmp", folder / ".model.onnx.654321.tmp");
  ASSERT_THAT(write_file(folder / "model.onnx", "new"), IsOk());
  EXPECT_EQ(folder.names().size(), others.size() + 2);  // the link stays too: it is not followed
}

TEST(StagedFile, ReplacesALinkInsteadOfWhatItPointsTo) {
  const TemporaryFolder folder;
  test::write(folder / "precious", "old");
  fs::create_symlink(folder / "precious", folder / "link");
  ASSERT_THAT(write_file(folder / "link", "new"), IsOk());
  EXPECT_EQ(test::read(folder / "precious"), "old");
  EXPECT_EQ(test::read(folder / "link"), "new");
}

/// One writer's sweep must not take the file that another has just made and not yet locked.
TEST(StagedFile, ManyWritersOfOneTargetDoNotDisturbEachOther) {
  const TemporaryFolder folder;
  constexpr int kWriters = 4;
  constexpr int kRounds = 150;
  std::array<std::string, kWriters> problems;
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int round = 0; round < kRounds; ++round) {
        const auto written = write_file(folder / "model.onnx", std::string(100, 'x'));
        if (!written) problems.at(static_cast<std::size_t>(writer)) = written.error().message;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (const std::string& problem : problems) EXPECT_EQ(problem, "");
  EXPECT_EQ(test::read(folder / "model.onnx"), std::string(100, 'x'));
  EXPECT_THAT(folder.names(), ElementsAre("model.onnx"));
}

}  // namespace
}  // namespace wakebuilder::core
