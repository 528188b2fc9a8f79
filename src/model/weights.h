// The tensors of a checkpoint on their way into a network.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "wakebuilder/core/result.h"
#include "wakebuilder/model/classifier.h"

namespace wakebuilder::model {

/// Tensors by name, and which of them have been used.
class Weights {
 public:
  explicit Weights(const NamedTensors& tensors);

  /// Null when there is no such tensor.
  const core::Tensor* find(const std::string& name) const;

  bool has_block(std::string_view prefix) const;

  /// Length of an axis of a tensor, if there is such a tensor with such an axis.
  std::optional<std::int64_t> dim(const std::string& name, std::size_t axis) const;

  /// The tensor as a float32 weight of this shape, marked as used. Errors: kMismatch when it is
  /// missing or of another shape, kUnsupported for other element types, kCorrupt for numbers that
  /// are NaN, infinite or beyond float32, and for a name that is given twice.
  Result<Parameter> parameter(const std::string& name, const core::Shape& shape);

  /// Fills all weights that visit(f) shows as f(name, weight, shape). Gives the first error; then
  /// the names that come after it count as used, so that check_all_used() shows only foreign ones.
  template <class Visit>
  Result<void> load(Visit&& visit) {
    Result<void> status;
    visit([&](const std::string& name, Parameter& weight, const core::Shape& shape) {
      if (!status) {
        used_.insert(name);
        return;
      }
      auto loaded = parameter(name, shape);
      if (loaded) {
        weight = *std::move(loaded);
      } else {
        status = fail(std::move(loaded).error());
      }
    });
    return status;
  }

  /// kMismatch when tensors are left over; names up to five. `source`: "a WakeBuilder
  /// classifier".
  Result<void> check_all_used(std::string_view source) const;

 private:
  const NamedTensors& tensors_;
  std::unordered_map<std::string, const core::Tensor*> by_name_;
  std::unordered_set<std::string> twice_;
  std::unordered_set<std::string> used_;
};

}  // namespace wakebuilder::model
