#include "wakebuilder/audio/wav.h"

#include <csignal>
#include <limits>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/audio/reader.h"

#include "audio/sound.h"
#include "support/child.h"
#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::audio {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using wakebuilder::test::HasError;
using wakebuilder::test::IsOk;
using wakebuilder::test::read;
using wakebuilder::test::status_of_child;
using wakebuilder::test::TemporaryFolder;
using wakebuilder::test::write;

constexpr float kStep = 1.0F / 32768.0F;

TEST(WriteWav, IsReadBackByLoadAudio) {
  const TemporaryFolder folder;
  const std::vector<float> samples = test::noise(20000);
  ASSERT_THAT(write_wav(folder / "said.wav", samples), IsOk());
  const auto found = load_audio(folder / "said.wav");
  ASSERT_THAT(found, IsOk());
  EXPECT_THAT(*found, testing::Pointwise(testing::FloatNear(kStep / 2), samples));
  EXPECT_THAT(folder.names(), ElementsAre("said.wav"));
}

TEST(WriteWav, MakesTheBytesOfAPlainWav) {
  const TemporaryFolder folder;
  ASSERT_THAT(write_wav(folder / "said.wav", std::vector<float>{0.0F, 0.5F, -0.5F, kStep}), IsOk());
  const std::vector<std::int16_t> steps = {0, 16384, -16384, 1};
  EXPECT_EQ(read(folder / "said.wav"), test::bytes_of({.samples = test::samples_of(steps)}));
}

TEST(WriteWav, WritesBackExactlyWhatWasReadFromSixteenBits) {
  const TemporaryFolder folder;
  std::vector<float> steps;
  for (int step = -32768; step <= 32767; ++step) steps.push_back(static_cast<float>(step) * kStep);
  ASSERT_THAT(write_wav(folder / "all.wav", steps), IsOk());
  EXPECT_EQ(load_audio(folder / "all.wav"), steps);
}

TEST(WriteWav, ClipsWhatIsLouderAndSilencesWhatIsNoNumber) {
  const TemporaryFolder folder;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> samples = {
      1.0F, 1.5F, -1.5F, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(), 1e30F};
  ASSERT_THAT(write_wav(folder / "loud.wav", samples), IsOk());
  constexpr float kMost = 1.0F - kStep;
  EXPECT_EQ(load_audio(folder / "loud.wav"),
            (std::vector<float>{kMost, kMost, -1.0F, kMost, -1.0F, 0.0F, kMost}));
}

TEST(WriteWav, RefusesARecordingWithoutSamples) {
  const TemporaryFolder folder;
  const std::string path = folder / "none.wav";
  EXPECT_THAT(write_wav(path, {}), HasError(ErrorCode::kInvalidArgument,
                                            path + ": expected sound to write, found none"));
  EXPECT_FALSE(fs::exists(path));
}

TEST(WriteWav, RefusesMoreThanAHeaderCanSay) {
  constexpr std::size_t kCount = 20UL * 3600 * 16000;
  void* memory = ::mmap(nullptr, kCount * sizeof(float), PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  EXPECT_THAT(write_wav("long.wav", {static_cast<const float*>(memory), kCount}),
              HasError(ErrorCode::kUnsupported,
                       "long.wav: expected at most 18 hours of sound, found 20 hours"));
  ::munmap(memory, kCount * sizeof(float));
}

TEST(WriteWav, NamesTheFolderThatIsNotThere) {
  const TemporaryFolder folder;
  EXPECT_THAT(write_wav(folder / "missing" / "said.wav", test::noise(10)),
              HasError(ErrorCode::kNotFound, "missing/said.wav: its folder is not there"));
  EXPECT_THAT(write_wav(folder.path(), test::noise(10)),
              HasError(ErrorCode::kInvalidArgument, "found a folder or a device"));
}

TEST(WriteWav, SaysWhenTheDiskIsFullAndLeavesTheOldFile) {
  const TemporaryFolder folder;
  write(folder / "said.wav", "old");
  const int status = status_of_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);  // then write() fails, as on a full disk
    const rlimit limit{.rlim_cur = 1000, .rlim_max = 1000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    const auto written = write_wav(folder / "said.wav", test::noise(5000));
    if (written || written.error().code != ErrorCode::kIo) return 2;
    const std::string path = folder / "said.wav";
    return written.error().message == path + ": cannot be written: File too large" ? 0 : 3;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read(folder / "said.wav"), "old");
  EXPECT_THAT(folder.names(), ElementsAre("said.wav"));
}

TEST(WriteWav, SaysWhenTheFolderIsReadOnlyAndLeavesTheOldFile) {
  const TemporaryFolder folder;
  write(folder / "said.wav", "old");
  fs::permissions(folder.path(), fs::perms(0555));
  const int status = status_of_child([&] {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) return 1;
    const auto written = write_wav(folder / "said.wav", test::noise(10));
    if (written || written.error().code != ErrorCode::kIo) return 2;
    return written.error().message.ends_with("said.wav: cannot be written: Permission denied") ? 0
                                                                                               : 3;
  });
  fs::permissions(folder.path(), fs::perms(0755));
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read(folder / "said.wav"), "old");
  EXPECT_THAT(folder.names(), ElementsAre("said.wav"));
}

}  // namespace
}  // namespace wakebuilder::audio
