#include "checkpoint/zip_archive.h"

#include <span>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/forge.h"
#include "support/matchers.h"

namespace wakebuilder::test {
namespace {

using checkpoint::ZipArchive;

Result<ZipArchive> open(std::string_view bytes) {
  return ZipArchive::open(std::as_bytes(std::span(bytes)));
}

std::string content(const checkpoint::ZipRecord& record) {
  return {reinterpret_cast<const char*>(record.packed.data()), record.packed.size()};
}

/// One deflated record "a" of `size` bytes, whose stream is `packed`; byte by byte, without
/// descriptor.
std::string deflated(const std::string& packed, std::uint32_t size) {
  const std::string middle = "\0\0\x08\0\0\0\0\0"s + raw(std::uint32_t{0}) +
                             raw(static_cast<std::uint32_t>(packed.size())) + raw(size) +
                             "\x01\0\0\0"s;
  const std::string local = "PK\3\4\x14\0"s + middle + "a" + packed;
  const std::string entry = "PK\1\2\x14\0\x14\0"s + middle + std::string(14, '\0') + "a";
  return local + entry + "PK\5\6"s + std::string(4, '\0') + "\x01\0\x01\0"s +
         raw(static_cast<std::uint32_t>(entry.size())) +
         raw(static_cast<std::uint32_t>(local.size())) + "\0\0"s;
}

TEST(ZipArchive, FindsTheRecordsThatTheWriterWrote) {
  const std::string bytes = zip({{"m/a", "first"}, {"m/b", ""}, {"m/\xc3\xa9", "third"}});
  const auto archive = open(bytes);
  ASSERT_THAT(archive, IsOk());
  ASSERT_EQ(archive->records().size(), 3U);
  EXPECT_EQ(content(*archive->find("m/a")), "first");
  EXPECT_EQ(archive->find("m/b")->size, 0U);
  EXPECT_EQ(content(*archive->find("m/\xc3\xa9")), "third");
  EXPECT_EQ(archive->find("m/c"), nullptr);
  EXPECT_TRUE(crc_matches(*archive->find("m/a"), archive->find("m/a")->packed));
}

TEST(ZipArchive, HasDataAtMultiplesOf64) {
  const std::string bytes = zip({{"m/a", "x"}, {"m/a-longer-name", "y"}, {"m/b", "z"}});
  const auto archive = open(bytes);
  ASSERT_THAT(archive, IsOk());
  for (const auto& record : archive->records()) {
    EXPECT_EQ((reinterpret_cast<const char*>(record.packed.data()) - bytes.data()) % 64, 0)
        << record.name;
  }
}

TEST(ZipArchive, InflatesRecords) {
  const std::string packed = "\x4b\x4c\x4a\x06\0"s;  // "abc"
  const std::string bytes = deflated(packed, 3);
  const auto archive = open(bytes);
  ASSERT_THAT(archive, IsOk());
  const auto inflated = inflate_record(archive->records()[0]);
  ASSERT_THAT(inflated, IsOk());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(inflated->data()), inflated->size()), "abc");
}

TEST(ZipArchive, RefusesDeflatedRecordsOfAnotherLength) {
  const std::string packed = "\x4b\x4c\x4a\x06\0"s;
  for (const std::string& bytes :
       {deflated(packed, 2), deflated(packed, 4), deflated(packed + "x", 3),
        deflated(packed.substr(0, 3), 3), deflated("\xff\xff", 3)}) {
    const auto archive = open(bytes);
    ASSERT_THAT(archive, IsOk());
    EXPECT_THAT(inflate_record(archive->records()[0]),
                HasError(ErrorCode::kCorrupt, "record a: its deflated data does not give the"));
  }
}

TEST(ZipArchive, RefusesNamesThatAreNoPlainPaths) {
  for (const char* name :
       {"../a", "m/../a", "/a", "m//a", "m/./a", "m\\a", "m/\x01", "m/\xff", "..", "."}) {
    EXPECT_THAT(open(zip({{name, "x"}})), HasError(ErrorCode::kCorrupt, "its name")) << name;
  }
}

TEST(ZipArchive, RefusesTwins) {
  EXPECT_THAT(open(zip({{"m/a", "x"}, {"m/a", "y"}})),
              HasError(ErrorCode::kCorrupt, "two records of this name"));
  EXPECT_THAT(open(zip({{"m/a", "x"}, {"m/A", "y"}})),
              HasError(ErrorCode::kCorrupt, "two records of this name"));
}

/// Any byte of the headers may be changed, and either nothing changes or there is an error.
TEST(ZipArchive, NoticesChangedHeadersOrReadsTheSame) {
  const std::string good = zip({{"m/a", "first"}, {"m/b", "second"}});
  int noticed = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      const auto archive = open(bytes);
      if (!archive) {
        ++noticed;
        continue;
      }
      for (const auto& record : archive->records()) {
        EXPECT_LE(record.packed.data() + record.packed.size(),
                  reinterpret_cast<const std::byte*>(bytes.data() + bytes.size()));
      }
    }
  }
  EXPECT_GT(noticed, 400);
}

TEST(ZipArchive, RefusesEveryTruncation) {
  const std::string good = zip({{"m/a", "first"}, {"m/b", "second"}});
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THAT(open(std::string_view(good).substr(0, size)),
                HasError(ErrorCode::kCorrupt, "truncated or damaged zip"));
  }
}

TEST(ZipArchive, RefusesMoreRecordsThanTheDirectoryHolds) {
  const std::string good = zip({{"m/a", "first"}});
  const std::string one = raw(std::uint64_t{1}) + raw(std::uint64_t{1});
  const std::string many = raw(std::uint64_t{9000}) + raw(std::uint64_t{9000});
  const std::string small = "PK\5\6"s + std::string(4, '\0') + "\x01\0\x01\0"s;
  const std::string saturated = "PK\5\6"s + std::string(4, '\0') + "\xff\xff\xff\xff";
  EXPECT_THAT(open(with(with(good, one, many), small, saturated)),
              HasError(ErrorCode::kCorrupt, "the directory is too short for 9000 records"));
  EXPECT_THAT(open(with(good, one, many)), HasError(ErrorCode::kCorrupt, "contradict each other"));
}

}  // namespace
}  // namespace wakebuilder::test
