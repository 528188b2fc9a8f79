// Arithmetic on sizes that come from files: overflow is an answer, not a wrap.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace wakebuilder::core {

/// a * b, or nothing when the product does not fit 64 bits.
constexpr std::optional<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// a + b, or nothing when the sum does not fit 64 bits.
constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

/// The number of elements of a shape: 1 for a scalar. Nothing when a dimension is negative or when
/// the product of the dimensions that are not 0 does not fit 63 bits (so {0, 2^62, 4} is refused).
std::optional<std::uint64_t> element_count(std::span<const std::int64_t> shape);

}  // namespace wakebuilder::core
