#include "wakebuilder/audio/recordings.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::audio {
namespace {

using test::HasError;
using test::IsOk;
using test::TemporaryFolder;

TEST(FindRecordings, GoesDownFoldersAndTakesFilesByTheirNames) {
  const TemporaryFolder folder;
  for (const char* name : {"a.wav", "b.FLAC", "below/c.ogg", "below/further/d.Mp3", "e.oga"})
    test::write(folder / name, "x");
  for (const char* name : {"notes.txt", "wav", "below/.wav.tmp"}) test::write(folder / name, "x");
  std::filesystem::create_directory(folder / "folder.wav");
  auto found = find_recordings(folder.path());
  ASSERT_THAT(found, IsOk());
  std::ranges::sort(*found);
  EXPECT_EQ(*found, (std::vector{folder / "a.wav", folder / "b.FLAC", folder / "below/c.ogg",
                                 folder / "below/further/d.Mp3", folder / "e.oga"}));
}

TEST(FindRecordings, TakesAFileThatIsNamedWhateverItIsCalled) {
  const TemporaryFolder folder;
  test::write(folder / "sound", "x");
  const auto found = find_recordings(folder / "sound");
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(*found, std::vector{folder / "sound"});
}

TEST(FindRecordings, SaysWhatIsNotThere) {
  const TemporaryFolder folder;
  EXPECT_THAT(
      find_recordings(folder / "gone"),
      HasError(ErrorCode::kNotFound,
               "gone: expected a recording or a folder of them: No such file or directory"));
  test::write(folder / "notes.txt", "x");
  EXPECT_THAT(find_recordings(folder.path()),
              HasError(ErrorCode::kNotFound, ": expected WAV, FLAC, Ogg or MP3 files, found none"));
}

}  // namespace
}  // namespace wakebuilder::audio
