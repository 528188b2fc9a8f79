#include "wakebuilder/core/tensor.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "wakebuilder/core/checked.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::core {
namespace {

/// Reads `T` after `T` without asking for alignment and converts each to float.
template <class T, class Convert>
std::vector<float> convert_all(std::span<const std::byte> bytes, Convert convert) {
  std::vector<float> out(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < out.size(); ++i) {
    T element;
    std::memcpy(&element, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = convert(element);
  }
  return out;
}

Result<Tensor> from_float64(const Tensor& tensor) {
  auto values =
      convert_all<double>(tensor.bytes(), [](double number) { return static_cast<float>(number); });
  for (std::size_t i = 0; i < values.size(); ++i) {
    double number = 0;
    std::memcpy(&number, tensor.bytes().data() + i * sizeof(double), sizeof(double));
    if (std::isfinite(number) && !std::isfinite(values[i])) {
      return fail(ErrorCode::kCorrupt, "element " + std::to_string(i) + " is " + to_text(number) +
                                           ", which does not fit float32");
    }
  }
  return Tensor::from(std::move(values), tensor.shape());
}

}  // namespace

std::string to_string(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t dim : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(dim);
  }
  return text + "]";
}

std::size_t numel(std::span<const std::int64_t> shape) {
  const auto count = element_count(shape);
  WAKEBUILDER_EXPECT(count.has_value());
  return static_cast<std::size_t>(*count);
}

Tensor Tensor::view(DType dtype, Shape shape, std::span<const std::byte> bytes,
                    std::shared_ptr<const void> owner) {
  const auto size = checked_mul(numel(shape), item_size(dtype));
  WAKEBUILDER_EXPECT(size == bytes.size());
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.shape_ = std::move(shape);
  tensor.bytes_ = bytes;
  tensor.owner_ = std::move(owner);
  return tensor;
}

Tensor Tensor::from_bytes(DType dtype, Shape shape, std::vector<std::byte> bytes) {
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  const std::span<const std::byte> span(*owner);
  return view(dtype, std::move(shape), span, std::move(owner));
}

Result<Tensor> to_float32(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::kFloat32:
      return tensor;
    case DType::kFloat64:
      return from_float64(tensor);
    case DType::kFloat16:
      return Tensor::from(convert_all<std::uint16_t>(tensor.bytes(), float16_to_float),
                          tensor.shape());
    case DType::kBFloat16:
      return Tensor::from(convert_all<std::uint16_t>(tensor.bytes(), bfloat16_to_float),
                          tensor.shape());
    default:
      return fail(ErrorCode::kUnsupported,
                  "expected float32, float64, float16 or bfloat16, found " +
                      std::string(to_string(tensor.dtype())));
  }
}

float float16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1fU;
  const std::uint32_t mantissa = bits & 0x3ffU;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 0x1fU ? 0xffU : exponent + 112U;  // re-bias 15 -> 127
  return std::bit_cast<float>(sign | (wide << 23U) | (mantissa << 13U));
}

float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

}  // namespace wakebuilder::core
