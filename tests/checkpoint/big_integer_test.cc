#include "checkpoint/big_integer.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/forge.h"

namespace wakebuilder::checkpoint {
namespace {

using namespace std::string_literals;

struct Case {
  std::string bytes;
  std::string digits;
};

const Case kCases[] = {
    {"\0\0\0\0\0\0\0\0\x04"s, "73786976294838206464"},  // 2^66
    {"\xff\xff\xff\xff\xff\xff\xff\xff\0"s, "18446744073709551615"},
    {"\0\0\0\0\0\0\0\0\xff"s, "-18446744073709551616"},
    {"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"s, "119547037146038801333356"},
    {"\x15\xcd\x5b\x07"s, "123456789"},
    {"\0\xca\x9a\x3b"s, "1000000000"},
    {"\xff"s, "-1"},
    {"\x80"s, "-128"},
    {"\0"s, "0"},
};

TEST(BigInteger, IsWrittenInDecimal) {
  for (const Case& c : kCases) EXPECT_EQ(big_integer(c.bytes).digits, c.digits);
  EXPECT_EQ(big_integer("").digits, "0");
}

TEST(BigInteger, GoesBackToTheFewestBytes) {
  for (const Case& c : kCases) EXPECT_EQ(integer_bytes({c.digits}), c.bytes) << c.digits;
}

TEST(BigInteger, HasNoBytesWhenTheDigitsAreNone) {
  for (const char* digits : {"", "-", "12a", "+1", "1 "})
    EXPECT_EQ(integer_bytes({digits}), std::nullopt);
}

TEST(BigInteger, DropsBytesThatRepeatTheSign) {
  EXPECT_EQ(without_padding("\x05\0\0"s), "\x05"s);
  EXPECT_EQ(without_padding("\xff\xff\xff"s), "\xff"s);
  EXPECT_EQ(without_padding("\x80\0"s), "\x80\0"s) << "this zero says that the number is positive";
  EXPECT_EQ(without_padding(""s), ""s);
}

TEST(SmallInteger, ExtendsTheSign) {
  EXPECT_EQ(small_integer(""), 0);
  EXPECT_EQ(small_integer("\xff"s), -1);
  EXPECT_EQ(small_integer("\x00\x80"s), -32768);
  EXPECT_EQ(small_integer("\0\0\0\0\0\0\0\x80"s), INT64_MIN);
}

}  // namespace
}  // namespace wakebuilder::checkpoint
