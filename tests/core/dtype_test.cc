#include "wakebuilder/core/dtype.h"

#include <optional>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace wakebuilder::core {
namespace {

struct Case {
  DType dtype;
  std::size_t bytes;
  std::string_view name;
};

const std::vector<Case>& all_types() {
  static const std::vector<Case> kTypes = {
      {DType::kFloat32, 4, "float32"},
      {DType::kFloat64, 8, "float64"},
      {DType::kFloat16, 2, "float16"},
      {DType::kBFloat16, 2, "bfloat16"},
      {DType::kFloat8E4M3Fn, 1, "float8_e4m3fn"},
      {DType::kFloat8E5M2, 1, "float8_e5m2"},
      {DType::kInt8, 1, "int8"},
      {DType::kInt16, 2, "int16"},
      {DType::kInt32, 4, "int32"},
      {DType::kInt64, 8, "int64"},
      {DType::kUInt8, 1, "uint8"},
      {DType::kUInt16, 2, "uint16"},
      {DType::kUInt32, 4, "uint32"},
      {DType::kUInt64, 8, "uint64"},
      {DType::kBool, 1, "bool"},
      {DType::kComplex64, 8, "complex64"},
      {DType::kComplex128, 16, "complex128"},
  };
  return kTypes;
}

TEST(DType, KnowsSizeAndNameOfEachType) {
  for (const Case& c : all_types()) {
    EXPECT_EQ(item_size(c.dtype), c.bytes) << c.name;
    EXPECT_EQ(to_string(c.dtype), c.name);
    EXPECT_EQ(dtype_named(c.name), c.dtype) << c.name;
  }
}

TEST(DType, IsNotFoundUnderOtherNames) {
  for (const std::string_view name :
       {"", "float", "Float32", "float32 ", "torch.float32", "qint8", "float8_e4m3"}) {
    EXPECT_EQ(dtype_named(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace wakebuilder::core
