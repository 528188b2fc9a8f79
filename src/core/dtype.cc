#include "wakebuilder/core/dtype.h"

#include <array>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::core {
namespace {

struct Row {
  DType dtype;
  std::size_t size;
  std::string_view name;
};

constexpr std::array kRows = {
    Row{DType::kFloat32, 4, "float32"},
    Row{DType::kFloat64, 8, "float64"},
    Row{DType::kFloat16, 2, "float16"},
    Row{DType::kBFloat16, 2, "bfloat16"},
    Row{DType::kFloat8E4M3Fn, 1, "float8_e4m3fn"},
    Row{DType::kFloat8E5M2, 1, "float8_e5m2"},
    Row{DType::kInt8, 1, "int8"},
    Row{DType::kInt16, 2, "int16"},
    Row{DType::kInt32, 4, "int32"},
    Row{DType::kInt64, 8, "int64"},
    Row{DType::kUInt8, 1, "uint8"},
    Row{DType::kUInt16, 2, "uint16"},
    Row{DType::kUInt32, 4, "uint32"},
    Row{DType::kUInt64, 8, "uint64"},
    Row{DType::kBool, 1, "bool"},
    Row{DType::kComplex64, 8, "complex64"},
    Row{DType::kComplex128, 16, "complex128"},
};

const Row& row_of(DType dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return row;
  }
  contract_broken("a known element type", __FILE__, __LINE__);
}

}  // namespace

std::size_t item_size(DType dtype) { return row_of(dtype).size; }

std::string_view to_string(DType dtype) { return row_of(dtype).name; }

std::optional<DType> dtype_named(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

}  // namespace wakebuilder::core
