// A dense tensor that may lie in a mapped file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/dtype.h"
#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/result.h"

namespace wakebuilder::core {

using Shape = std::vector<std::int64_t>;

/// "[8, 12]"; "[]" for a scalar.
std::string to_string(std::span<const std::int64_t> shape);

/// Elements of `shape`. @pre no negative dimension and no overflow, else std::logic_error.
std::size_t numel(std::span<const std::int64_t> shape);

/// An immutable tensor: element type, shape and little-endian data in row-major order without gaps.
/// Copies share the data, which stays where it was read (a mapped checkpoint) or was computed.
/// Thread-safe, as all of it is constant.
class Tensor {
 public:
  /// An empty float32 tensor of shape [0].
  Tensor() = default;

  /// Looks at bytes that `owner` keeps alive.
  /// @pre bytes.size() == numel(shape) * item_size(dtype), else std::logic_error
  static Tensor view(DType dtype, Shape shape, std::span<const std::byte> bytes,
                     std::shared_ptr<const void> owner);

  /// Takes the values of a vector. @pre values.size() == numel(shape), else std::logic_error
  template <class T>
  static Tensor from(std::vector<T> values, Shape shape);

  /// Takes bytes of any element type. @pre the size fits, as for view()
  static Tensor from_bytes(DType dtype, Shape shape, std::vector<std::byte> bytes);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::size_t size() const { return numel(shape_); }

  /// The elements. @pre dtype() is T's and the data is aligned for T, else std::logic_error.
  /// Tensors of this library's readers are always aligned to their element type.
  template <class T>
  std::span<const T> as() const;

 private:
  DType dtype_ = DType::kFloat32;
  Shape shape_ = {0};
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

/// The DType of a C++ type.
template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::kFloat32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::kFloat64;
}
template <>
constexpr DType dtype_of<std::int8_t>() {
  return DType::kInt8;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::kUInt8;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::kInt32;
}
template <>
constexpr DType dtype_of<std::int64_t>() {
  return DType::kInt64;
}

/// The tensor as float32: itself where it is one, else converted from float64, float16 or bfloat16.
/// Errors: kUnsupported for any other element type (its name is in the sentence), kCorrupt when a
/// float64 does not fit float32.
Result<Tensor> to_float32(const Tensor& tensor);

/// The 2-byte formats, one value each.
float float16_to_float(std::uint16_t bits);
float bfloat16_to_float(std::uint16_t bits);

template <class T>
Tensor Tensor::from(std::vector<T> values, Shape shape) {
  WAKEBUILDER_EXPECT(values.size() == numel(shape));
  auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  const auto bytes = std::as_bytes(std::span(*owner));
  return view(dtype_of<T>(), std::move(shape), bytes, std::move(owner));
}

template <class T>
std::span<const T> Tensor::as() const {
  WAKEBUILDER_EXPECT(dtype_ == dtype_of<T>());
  WAKEBUILDER_EXPECT(reinterpret_cast<std::uintptr_t>(bytes_.data()) % alignof(T) == 0);
  return {reinterpret_cast<const T*>(bytes_.data()), bytes_.size() / sizeof(T)};
}

}  // namespace wakebuilder::core
