#include "checkpoint/pytorch_tar.h"

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/checkpoint/checkpoint.h"

#include "support/matchers.h"

namespace wakebuilder::checkpoint {
namespace {

using test::HasError;
using test::IsOk;

std::string golden() {
  std::ifstream file(WAKEBUILDER_TEST_DATA "/checkpoints/encodings/tar-0.1.pt", std::ios::binary);
  return (std::ostringstream() << file.rdbuf()).str();
}

Result<core::Value> read_text(const std::string& text) {
  return read_pytorch_tar(std::as_bytes(std::span(text)), nullptr);
}

/// Where the data of a member begins.
std::size_t data_of(const std::string& archive, const std::string& member) {
  const auto header = archive.find(member + std::string(1, '\0'));
  EXPECT_EQ(header % 512, 0U);
  return header + 512;
}

template <class T>
std::string with_number(std::string archive, std::size_t at, T number) {
  std::memcpy(archive.data() + at, &number, sizeof(number));
  return archive;
}

// In the golden file the count of a member takes 5 bytes, the pickle of the first storage 41 more,
// of the first tensor 32.
constexpr std::size_t kFirstNumel = 5 + 41;
constexpr std::size_t kFirstRank = 5 + 32;

TEST(PyTorchTar, ReadsTensorsAndMetadata) {
  const std::string archive = golden();
  const auto root = read_text(archive);
  ASSERT_THAT(root, IsOk());
  const core::Value* weight = root->find("classifier_state_dict", "input_norm.weight");
  ASSERT_NE(weight, nullptr);
  ASSERT_NE(weight->get_if<core::Tensor>(), nullptr);
  EXPECT_EQ(weight->get_if<core::Tensor>()->shape(), (core::Shape{16}));
  EXPECT_EQ(weight->get_if<core::Tensor>()->dtype(), core::DType::kFloat32);
}

TEST(PyTorchTar, EveryTruncationIsAnError) {
  const std::string archive = golden();
  const auto end = archive.find_last_not_of('\0');
  for (std::size_t size = 0; size < end; size += 61) {
    EXPECT_FALSE(read_text(archive.substr(0, size))) << size;
  }
}

TEST(PyTorchTar, ADamagedHeaderIsAnError) {
  const std::string archive = golden();
  std::string damaged = archive;
  damaged[3] = 'X';
  EXPECT_THAT(read_text(damaged),
              HasError(ErrorCode::kCorrupt, "byte 0: the checksum of a header"));
}

TEST(PyTorchTar, SizesAreComparedWithWhatRemains) {
  const std::string archive = golden();
  const std::size_t numel = data_of(archive, "storages") + kFirstNumel;
  for (const std::int64_t count : {std::int64_t{1} << 40, std::int64_t{-1}, INT64_MAX}) {
    EXPECT_THAT(read_text(with_number(archive, numel, count)),
                HasError(ErrorCode::kCorrupt, "storage 1001: its data is truncated"));
  }
}

TEST(PyTorchTar, TensorsStayInsideTheirStorage) {
  const std::string archive = golden();
  const std::size_t rank = data_of(archive, "tensors") + kFirstRank;
  EXPECT_THAT(read_text(with_number(archive, rank, std::int32_t{1000})),
              HasError(ErrorCode::kCorrupt, "expected a number of dimensions up to 32"));
  EXPECT_THAT(read_text(with_number(archive, rank + 8, std::int64_t{17})),
              HasError(ErrorCode::kCorrupt, "tensor 1: shape [17]"));
  EXPECT_THAT(read_text(with_number(archive, rank + 8, std::int64_t{-4})),
              HasError(ErrorCode::kCorrupt, "truncated or negative"));
  EXPECT_THAT(read_text(with_number(archive, rank + 24, std::int64_t{1})),
              HasError(ErrorCode::kCorrupt, "tensor 1: shape [16] with strides [1] from offset 1"));
}

TEST(PyTorchTar, APersistentIdIsTheKeyOfATensor) {
  std::string archive = golden();
  const auto key = archive.find(std::string("X\1\0\0\0"
                                            "1",
                                            6),
                                data_of(archive, "pickle"));
  ASSERT_NE(key, std::string::npos);
  archive[key + 5] = 'Z';
  EXPECT_THAT(read_text(archive), HasError(ErrorCode::kCorrupt, "is no tensor of the archive"));
}

TEST(PyTorchTar, TypesOfTensorsAreNamesOfItsEntriesAlone) {
  std::string archive = golden();
  const auto name = archive.find("ccollections\nOrderedDict\n");
  ASSERT_NE(name, std::string::npos);
  archive.replace(name, 25, "ctorch\nFloatTensor\nq\3q\3q\3");
  EXPECT_THAT(read_text(archive), HasError(ErrorCode::kUnsupported, "torch.FloatTensor"));
}

TEST(PyTorchTar, OtherArchivesAreNamed) {
  EXPECT_THAT(read_text(std::string(1024, '\0')),
              HasError(ErrorCode::kUnsupported, "without a member \"storages\""));
}

}  // namespace
}  // namespace wakebuilder::checkpoint
