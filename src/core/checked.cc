#include "wakebuilder/core/checked.h"

#include <limits>

namespace wakebuilder::core {

std::optional<std::uint64_t> element_count(std::span<const std::int64_t> shape) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  std::uint64_t product = 1;
  bool empty = false;
  for (const std::int64_t dim : shape) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) {
      empty = true;
      continue;
    }
    const auto next = checked_mul(product, static_cast<std::uint64_t>(dim));
    if (!next || *next > kMax) return std::nullopt;
    product = *next;
  }
  return empty ? 0 : product;
}

}  // namespace wakebuilder::core
