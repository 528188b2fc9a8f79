#include "checkpoint/sniff.h"

#include <cstdint>
#include <span>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/forge.h"

namespace wakebuilder::test {
namespace {

using checkpoint::Content;
using ::testing::HasSubstr;

Content sniff_text(const std::string& text) {
  return checkpoint::sniff(std::as_bytes(std::span(text)));
}

TEST(Sniff, TellsContainersByTheirFirstBytes) {
  EXPECT_EQ(sniff_text("PK\3\4rest"), Content::kZip);
  EXPECT_EQ(sniff_text("\x80\x02}."), Content::kPickle);
  EXPECT_EQ(sniff_text(raw(std::uint64_t{2}) + "{}"), Content::kSafetensors);
  EXPECT_EQ(sniff_text(""), Content::kOther);
  EXPECT_EQ(sniff_text("\x80"), Content::kOther);
}

TEST(Sniff, IsNotDeceivedByAHeaderLengthThatLooksLikeAPickle) {
  EXPECT_EQ(sniff_text(raw(std::uint64_t{0x280}) + "{" + std::string(0x27f, ' ')),
            Content::kSafetensors);
}

TEST(Sniff, DescribesForeignFiles) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "the file is empty"},
      {"\x89HDF\r\n\x1a\n", "HDF5"},
      {"\x1f\x8b\x08", "gzip"},
      {"7z\xbc\xaf\x27\x1c", "7z"},
      {"PK\5\6" + std::string(18, '\0'), "an empty zip archive"},
      {"GGUF\3", "GGUF"},
      {"\x93NUMPY\1", "a NumPy array"},
      {"\x1c\0\0\0TFL3"s, "TensorFlow Lite"},
      {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
      {"\x08\x08\x12\x05torch", "an ONNX model"},
      {"\n<!DOCTYPE html>", "an HTML or XML page"},
      {"Not Found", "a text, not a checkpoint"},
      {"\x01\x02\x03\x04", "of no known kind"},
  };
  for (const auto& [text, words] : cases) {
    EXPECT_THAT(std::string(checkpoint::describe_foreign(std::as_bytes(std::span(text)))),
                HasSubstr(words));
  }
}

}  // namespace
}  // namespace wakebuilder::test
