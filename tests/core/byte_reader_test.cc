#include "wakebuilder/core/byte_reader.h"

#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace wakebuilder::core {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(ByteReader, ReadsLittleEndianNumbersOfAnyAlignment) {
  const std::string text("\x01\x02\x03\x04\x05\xff\xff\xff\xff\x00\x00\x80\x3f", 13);
  ByteReader reader(bytes_of(text));
  EXPECT_EQ(reader.number<std::uint8_t>(), 1);
  EXPECT_EQ(reader.number<std::uint32_t>(), 0x05040302U);
  EXPECT_EQ(reader.number<std::int32_t>(), -1);
  EXPECT_EQ(reader.number<float>(), 1.0F);
  EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, StaysWhereItIsWhenTooFewBytesRemain) {
  const std::string text = "abc";
  ByteReader reader(bytes_of(text));
  ASSERT_TRUE(reader.bytes(1));
  EXPECT_FALSE(reader.number<std::uint32_t>());
  EXPECT_FALSE(reader.bytes(3));
  EXPECT_FALSE(reader.text(kMax));  // position + n would wrap
  EXPECT_FALSE(reader.text_until('x'));
  EXPECT_EQ(reader.position(), 1U);
  EXPECT_EQ(reader.remaining(), 2U);
  EXPECT_EQ(reader.text(2), "bc");
  EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, ReadsNothingAtTheEnd) {
  ByteReader reader({});
  EXPECT_TRUE(reader.at_end());
  ASSERT_TRUE(reader.bytes(0));
  EXPECT_EQ(reader.text(0), "");
  EXPECT_FALSE(reader.bytes(1));
  EXPECT_FALSE(reader.number<std::uint8_t>());
  EXPECT_FALSE(reader.text_until('\n'));
}

TEST(ByteReader, ReadsTextUpToItsEndAndSkipsTheEnd) {
  const std::string text = "os\nsystem\n\nrest";
  ByteReader reader(bytes_of(text));
  EXPECT_EQ(reader.text_until('\n'), "os");
  EXPECT_EQ(reader.text_until('\n'), "system");
  EXPECT_EQ(reader.text_until('\n'), "");
  EXPECT_FALSE(reader.text_until('\n'));
  EXPECT_EQ(reader.text(4), "rest");
}

TEST(ByteReader, SeeksInsideAndToTheEndOnly) {
  const std::string text = "abc";
  ByteReader reader(bytes_of(text));
  EXPECT_TRUE(reader.seek(3));
  EXPECT_TRUE(reader.at_end());
  EXPECT_FALSE(reader.seek(4));
  EXPECT_FALSE(reader.seek(kMax));
  EXPECT_EQ(reader.position(), 3U);
  EXPECT_TRUE(reader.seek(1));
  EXPECT_EQ(reader.text(1), "b");
}

TEST(ByteReader, LooksAtTheBytesInsteadOfCopyingThem) {
  const std::string text = "abc";
  ByteReader reader(bytes_of(text));
  ASSERT_TRUE(reader.seek(1));
  EXPECT_EQ(reader.bytes(2)->data(), bytes_of(text).data() + 1);
}

}  // namespace
}  // namespace wakebuilder::core
