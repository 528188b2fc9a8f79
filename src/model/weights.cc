#include "model/weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "wakebuilder/core/text.h"

namespace wakebuilder::model {
namespace {

using core::Shape;
using core::Tensor;

Result<void> check_finite(const std::string& name, const Tensor& tensor) {
  const auto values = tensor.as<float>();
  // Without a way out the compiler computes many at a time; weights are nearly always finite.
  constexpr std::uint32_t kExponent = 0x7f800000;  // all ones: NaN or infinity
  std::uint32_t found = 0;
  for (const float value : values) {
    found |= (std::bit_cast<std::uint32_t>(value) & kExponent) == kExponent ? 1U : 0U;
  }
  if (found == 0) return {};
  const auto bad =
      std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
  return fail(ErrorCode::kCorrupt, name + ": expected finite numbers, found " +
                                       (std::isnan(*bad) ? "NaN" : "infinity") + " at element " +
                                       std::to_string(bad - values.begin()));
}

}  // namespace

Weights::Weights(const NamedTensors& tensors) : tensors_(tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (!by_name_.emplace(name, &tensor).second) twice_.insert(name);
  }
}

const Tensor* Weights::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

bool Weights::has_block(std::string_view prefix) const {
  return std::any_of(by_name_.begin(), by_name_.end(),
                     [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

std::optional<std::int64_t> Weights::dim(const std::string& name, std::size_t axis) const {
  const Tensor* tensor = find(name);
  if (tensor == nullptr || tensor->shape().size() <= axis) return std::nullopt;
  return tensor->shape()[axis];
}

Result<Parameter> Weights::parameter(const std::string& name, const Shape& shape) {
  const Tensor* tensor = find(name);
  if (tensor == nullptr) {
    return fail(ErrorCode::kMismatch,
                name + ": expected " + core::to_string(shape) + ", found no such tensor");
  }
  if (twice_.contains(name)) {
    return fail(ErrorCode::kCorrupt,
                name + ": expected one tensor, found it twice, in two spellings");
  }
  if (tensor->shape() != shape) {
    return fail(ErrorCode::kMismatch, name + ": expected " + core::to_string(shape) + ", found " +
                                          core::to_string(tensor->shape()));
  }
  auto converted = core::to_float32(*tensor);
  if (!converted) return fail_in(name, std::move(converted).error());
  WAKEBUILDER_CHECK(check_finite(name, *converted));
  used_.insert(name);
  return Parameter{name, *std::move(converted)};
}

Result<void> Weights::check_all_used(std::string_view source) const {
  std::string extra;
  std::size_t count = 0;
  for (const auto& [name, tensor] : tensors_) {
    if (used_.contains(name)) continue;
    if (++count <= 5) extra += (count == 1 ? "" : ", ") + core::quote(name);
  }
  if (count == 0) return {};
  if (count > 5) extra += " and " + std::to_string(count - 5) + " more";
  return fail(ErrorCode::kMismatch,
              "expected only the tensors of " + std::string(source) + ", found also " + extra);
}

}  // namespace wakebuilder::model
