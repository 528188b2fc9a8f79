#include "wakebuilder/corpus/pieces.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/temporary_folder.h"

namespace wakebuilder::corpus {
namespace {

Frames flat(float value, std::size_t frames) { return Frames(frames * kBins, value); }

Pieces two_pieces() {
  Pieces pieces;
  pieces.add({.kind = Kind::kWord, .group = "flite", .text = "jarvis"}, flat(1.5F, 3));
  pieces.add({.kind = Kind::kRunning, .group = "espeak", .text = "gr\u00fc\u00df dich"},
             flat(-2, 4));
  return pieces;
}

TEST(Pieces, AreTheSameFromTheirFile) {
  const auto folder = core::TemporaryFolder::make("wakebuilder-pieces-").value();
  ASSERT_TRUE(two_pieces().save(folder / "pieces.safetensors"));
  const auto read = Pieces::load(folder / "pieces.safetensors");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].kind, Kind::kWord);
  EXPECT_EQ((*read)[1].group, "espeak");
  EXPECT_EQ((*read)[1].text, "gr\u00fc\u00df dich");
  EXPECT_EQ(read->frames(), 7U);
  EXPECT_EQ(read->unpack(0), flat(1.5F, 3));
  EXPECT_EQ(read->unpack(1), flat(-2, 4));
}

TEST(Pieces, OfATornFileAreAnError) {
  const auto folder = core::TemporaryFolder::make("wakebuilder-pieces-").value();
  const auto path = folder / "pieces.safetensors";
  ASSERT_TRUE(two_pieces().save(path));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
  const auto read = Pieces::load(path);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
}

TEST(Pieces, OfAnotherFileAreAnError) {
  const auto folder = core::TemporaryFolder::make("wakebuilder-pieces-").value();
  const auto path = folder / "other.safetensors";
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  ASSERT_TRUE(core::write_file(path, bytes + header + "0000"));
  const auto read = Pieces::load(path);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("expected frames of pieces"), std::string::npos)
      << read.error().message;
}

}  // namespace
}  // namespace wakebuilder::corpus
