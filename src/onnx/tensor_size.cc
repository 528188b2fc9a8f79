#include "onnx/tensor_size.h"

#include <algorithm>

#include "wakebuilder/core/checked.h"
#include "wakebuilder/core/tensor.h"

namespace wakebuilder::onnx {
namespace {

std::uint64_t divide_up(std::uint64_t n, std::uint64_t by) {
  return n / by + (n % by != 0 ? 1 : 0);
}

}  // namespace

Result<std::uint64_t> tensor_elements(const TensorProto& tensor) {
  if (const auto count = core::element_count(tensor.dims)) return *count;
  const bool negative =
      std::any_of(tensor.dims.begin(), tensor.dims.end(), [](auto d) { return d < 0; });
  return fail(ErrorCode::kCorrupt,
              std::string(negative ? "has a negative dimension: "
                                   : "has more elements than 64 bits count: ") +
                  core::to_string(tensor.dims));
}

std::optional<std::uint64_t> raw_size(const ElementTypeInfo& type, std::uint64_t elements) {
  const auto bits = core::checked_mul(elements, static_cast<std::uint64_t>(type.bits));
  if (!bits) return std::nullopt;
  return divide_up(*bits, 8);
}

std::optional<std::uint64_t> typed_entries(const ElementTypeInfo& type, std::uint64_t elements) {
  const auto parts = core::checked_mul(elements, type.entries);
  if (!parts) return std::nullopt;
  return divide_up(*parts, type.per_entry);
}

}  // namespace wakebuilder::onnx
