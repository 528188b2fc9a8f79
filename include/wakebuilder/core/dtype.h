// Element types of tensors, as PyTorch, safetensors and ONNX name them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace wakebuilder::core {

enum class DType {
  kFloat32,
  kFloat64,
  kFloat16,
  kBFloat16,
  kFloat8E4M3Fn,
  kFloat8E5M2,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
  kBool,
  kComplex64,
  kComplex128,
};

/// Bytes of one element.
std::size_t item_size(DType dtype);

/// PyTorch's name: "float32", "bfloat16", "float8_e4m3fn".
std::string_view to_string(DType dtype);

/// The inverse of to_string.
std::optional<DType> dtype_named(std::string_view name);

}  // namespace wakebuilder::core
