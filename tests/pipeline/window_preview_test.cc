#include "wakebuilder/pipeline/window_preview.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/audio/features.h"
#include "wakebuilder/audio/reader.h"

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using wakebuilder::test::HasError;
using wakebuilder::test::IsOk;
using wakebuilder::test::read;
using wakebuilder::test::TemporaryFolder;

constexpr std::size_t kNumbers = 160 * audio::kMelBins;

PreviewWindow flat(int label, std::string text, float value = -8) {
  return {.frames = std::vector<float>(kNumbers, value), .label = label, .text = std::move(text)};
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(WindowPreview, WritesASoundForEachWindowASheetAndAPage) {
  const TemporaryFolder folder;
  const std::vector windows = {flat(1, "computer"), flat(0, "sound-alike: compute her")};
  const auto report = write_preview(windows, folder / "new/preview");
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->folder, folder / "new/preview");
  EXPECT_EQ(report->sounds, 2U);
  EXPECT_EQ(report->picture, folder / "new/preview/contact_sheet.svg");
  EXPECT_EQ(report->page, folder / "new/preview/index.html");
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(report->folder))
    names.push_back(entry.path().filename());
  std::ranges::sort(names);
  EXPECT_THAT(names, ElementsAre("contact_sheet.svg", "index.html", "window_01_word.wav",
                                 "window_02_other.wav"));
}

TEST(WindowPreview, SoundsAsTheWindowDoes) {
  const TemporaryFolder folder;
  ASSERT_THAT(write_preview(std::vector{flat(0, "hiss")}, folder.path()), IsOk());
  const auto samples = audio::load_audio(folder / "window_01_other.wav");
  ASSERT_THAT(samples, IsOk());
  EXPECT_EQ(samples->size(), 159U * 160 + 400);
  audio::FeatureStream stream({.normalise = false});
  std::vector<float> frames;
  ASSERT_THAT(stream.push(*samples, frames), IsOk());
  double sum = 0;
  double numbers = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (i % audio::kMelBins == 3) continue;  // this filter is always empty
    sum += static_cast<double>(frames[i]);
    ++numbers;
  }
  EXPECT_NEAR(sum / numbers, -8, 0.2);
}

TEST(WindowPreview, MakesLoudSoundsQuieterInsteadOfClippingThem) {
  const TemporaryFolder folder;
  ASSERT_THAT(write_preview(std::vector{flat(0, "", 6)}, folder.path()), IsOk());
  const auto samples = audio::load_audio(folder / "window_01_other.wav").value();
  const auto at_full_scale =
      std::ranges::count_if(samples, [](float sample) { return std::abs(sample) > 0.9999F; });
  EXPECT_EQ(at_full_scale, 1);
}

TEST(WindowPreview, FramesWindowsWithTheWordInAnotherColour) {
  const TemporaryFolder folder;
  const std::vector windows = {flat(1, "computer"), flat(0, "other"), flat(1, "a computer")};
  ASSERT_THAT(write_preview(windows, folder.path()), IsOk());
  const std::string sheet = read(folder / "contact_sheet.svg");
  EXPECT_THAT(sheet, AllOf(StartsWith("<svg "), HasSubstr("3 windows, 2 with the wake word"),
                           HasSubstr("1.6 s;"),

                           HasSubstr(">01 word<"), HasSubstr(">02 other<"), HasSubstr(">other<")));
  EXPECT_EQ(count(sheet, "class=\"s2\""), 2U);
  EXPECT_EQ(count(sheet, "href=\"data:image/png;base64,iVBORw0KGgo"), 3U);
  const std::string page = read(folder / "index.html");
  EXPECT_EQ(count(page, "<figure class=\"word\">"), 2U);
  EXPECT_EQ(count(page, "<figure class=\"other\">"), 1U);
}

TEST(WindowPreview, TakesWindowsOfAnyLength) {
  const TemporaryFolder folder;
  const PreviewWindow window{
      .frames = std::vector<float>(1024 * audio::kMelBins, -8), .label = 0, .text = ""};
  ASSERT_THAT(write_preview(std::vector{window}, folder.path()), IsOk());
  EXPECT_THAT(read(folder / "contact_sheet.svg"), HasSubstr("10.24 s;"));
  EXPECT_EQ(audio::load_audio(folder / "window_01_other.wav").value().size(), 1023U * 160 + 400);
}

TEST(WindowPreview, HasAPlayerForEachSound) {
  const TemporaryFolder folder;
  ASSERT_THAT(write_preview(std::vector{flat(1, "a"), flat(0, "b")}, folder.path()), IsOk());
  const std::string page = read(folder / "index.html");
  EXPECT_THAT(page, AllOf(StartsWith("<!DOCTYPE html>"), HasSubstr("src=\"window_01_word.wav\""),
                          HasSubstr("src=\"window_02_other.wav\""),
                          HasSubstr("href=\"contact_sheet.svg\"")));
  EXPECT_EQ(count(page, "<audio controls"), 2U);
  EXPECT_EQ(count(page, "src=\"data:image/png;base64,iVBORw0KGgo"), 2U);
}

TEST(WindowPreview, EscapesTexts) {
  const TemporaryFolder folder;
  ASSERT_THAT(write_preview(std::vector{flat(0, "<script>\n\"\xff")}, folder.path()), IsOk());
  for (const char* name : {"contact_sheet.svg", "index.html"}) {
    EXPECT_THAT(read(folder / name), AllOf(Not(HasSubstr("<script>")),
                                           HasSubstr("&lt;script&gt;\\n"), HasSubstr("\\xff")));
  }
}

TEST(WindowPreview, NumbersSortAsTheWindowsDo) {
  const TemporaryFolder folder;
  constexpr auto kSilence = static_cast<float>(audio::kLogMelFloor);
  const std::vector windows(100, flat(0, "quiet", kSilence));
  ASSERT_THAT(write_preview(windows, folder.path()), IsOk());
  EXPECT_TRUE(std::filesystem::exists(folder / "window_001_other.wav"));
  EXPECT_TRUE(std::filesystem::exists(folder / "window_100_other.wav"));
}

TEST(WindowPreview, ReplacesItsFilesAndLeavesOthers) {
  const TemporaryFolder folder;
  test::write(folder / "index.html", "old");
  test::write(folder / "window_01_other.wav", "old");
  test::write(folder / "notes.txt", "mine");
  ASSERT_THAT(write_preview(std::vector{flat(0, "new")}, folder.path()), IsOk());
  EXPECT_THAT(read(folder / "index.html"), HasSubstr("new"));
  EXPECT_THAT(read(folder / "window_01_other.wav"), StartsWith("RIFF"));
  EXPECT_EQ(read(folder / "notes.txt"), "mine");
}

TEST(WindowPreview, IsTheSameForTheSameWindows) {
  const TemporaryFolder folder;
  const std::vector windows = {flat(1, "a"), flat(0, "b"), flat(0, "c")};
  ASSERT_THAT(write_preview(windows, folder / "1"), IsOk());
  ASSERT_THAT(write_preview(windows, folder / "2"), IsOk());
  for (const char* name : {"contact_sheet.svg", "index.html", "window_03_other.wav"})
    EXPECT_EQ(read(folder / "1" / name), read(folder / "2" / name));
}

TEST(WindowPreview, NamesTheFolderThatCannotBeMade) {
  const TemporaryFolder folder;
  test::write(folder / "file", "");
  EXPECT_THAT(write_preview(std::vector{flat(0, "")}, folder / "file/preview"),
              HasError(ErrorCode::kIo, "file/preview: cannot be made a folder: "));
}

TEST(WindowPreview, NamesTheFileThatCannotBeWritten) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "window_02_other.wav/inside");
  EXPECT_THAT(write_preview(std::vector{flat(0, ""), flat(0, "")}, folder.path()),
              HasError(ErrorCode::kInvalidArgument, "window_02_other.wav"));
}

TEST(WindowPreview, WantsOneToAThousandWindows) {
  const TemporaryFolder folder;
  EXPECT_THAT(write_preview({}, folder.path()),
              HasError(ErrorCode::kInvalidArgument, "expected 1 to 1000 windows, found 0"));
  EXPECT_THAT(write_preview(std::vector<PreviewWindow>(1001), folder.path()),
              HasError(ErrorCode::kInvalidArgument, "expected 1 to 1000 windows, found 1001"));
}

TEST(WindowPreview, WantsWholeWindows) {
  const TemporaryFolder folder;
  const auto preview = [&](std::size_t numbers) {
    const PreviewWindow window{.frames = std::vector<float>(numbers), .label = 0, .text = ""};
    return write_preview(std::vector{flat(0, ""), window}, folder.path());
  };
  EXPECT_THROW(static_cast<void>(preview(129)), std::logic_error);
  EXPECT_THROW(static_cast<void>(preview(128)), std::logic_error);  // shorter than the other
}

}  // namespace
}  // namespace wakebuilder::pipeline
