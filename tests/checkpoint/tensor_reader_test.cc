#include "checkpoint/tensor_reader.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/matchers.h"

namespace wakebuilder::checkpoint {
namespace {

using core::DType;
using test::HasError;
using test::IsOk;

/// One storage of `bytes`, and a tensor that looks into it.
struct Fixture {
  PickleGraph graph;
  std::shared_ptr<std::vector<std::byte>> bytes;
  int asked = 0;

  Fixture(DType dtype, core::Shape shape, core::Shape strides, std::uint64_t offset,
          std::size_t size)
      : bytes(std::make_shared<std::vector<std::byte>>(size)) {
    for (std::size_t i = 0; i < size; ++i) (*bytes)[i] = static_cast<std::byte>(i);
    graph.storages.push_back({.key = "0", .type = {dtype, core::item_size(dtype), "Storage"}});
    graph.tensors.push_back({0, dtype, offset, std::move(shape), std::move(strides)});
  }

  TensorReader reader(bool big_endian = false, std::uint64_t file_size = 0) {
    return {graph,
            [this, big_endian](const Storage&, CopyBudget&) -> Result<StorageBytes> {
              ++asked;
              return StorageBytes{*bytes, bytes, big_endian};
            },
            CopyBudget(file_size)};
  }
};

std::vector<int> values(const core::Tensor& tensor) {
  std::vector<int> result;
  for (const std::byte byte : tensor.bytes()) result.push_back(static_cast<int>(byte));
  return result;
}

TEST(TensorReader, LooksIntoTheStorageWhereItCan) {
  Fixture f(DType::kUInt8, {2, 2}, {2, 1}, 1, 5);
  const auto tensor = f.reader().read(0);
  ASSERT_THAT(tensor, IsOk());
  EXPECT_EQ(tensor->bytes().data(), f.bytes->data() + 1);
}

TEST(TensorReader, CopiesColumns) {
  Fixture f(DType::kInt16, {2, 2}, {1, 2}, 0, 8);
  EXPECT_EQ(values(*f.reader().read(0)), (std::vector<int>{0, 1, 4, 5, 2, 3, 6, 7}));
}

TEST(TensorReader, SwapsBigEndianElements) {
  Fixture f(DType::kInt32, {2}, {1}, 0, 8);
  EXPECT_EQ(values(*f.reader(true).read(0)), (std::vector<int>{3, 2, 1, 0, 7, 6, 5, 4}));
}

TEST(TensorReader, SwapsThePartsOfComplexNumbers) {
  Fixture f(DType::kComplex64, {1}, {1}, 0, 8);
  EXPECT_EQ(values(*f.reader(true).read(0)), (std::vector<int>{3, 2, 1, 0, 7, 6, 5, 4}));
}

TEST(TensorReader, LeavesSingleBytesOfBigEndianFilesAlone) {
  Fixture f(DType::kBool, {2}, {1}, 0, 2);
  EXPECT_EQ(f.reader(true).read(0)->bytes().data(), f.bytes->data());
}

TEST(TensorReader, AsksForAStorageOnce) {
  Fixture f(DType::kUInt8, {2}, {1}, 0, 2);
  f.graph.tensors.push_back(f.graph.tensors[0]);
  auto reader = f.reader();
  static_cast<void>(reader.read(0));
  static_cast<void>(reader.read(1));
  static_cast<void>(reader.read(0));
  EXPECT_EQ(f.asked, 1);
}

TEST(TensorReader, StopsAtTheBudget) {
  Fixture f(DType::kUInt8, {std::int64_t{17} << 20}, {0}, 0, 1);
  EXPECT_THAT(f.reader().read(0),
              HasError(ErrorCode::kCorrupt, "asks for 17825792 bytes of memory"));
  EXPECT_THAT(f.reader(false, 1 << 20).read(0), IsOk()) << "the budget grows with the file";
}

}  // namespace
}  // namespace wakebuilder::checkpoint
