// Which tensors of a tree share a storage when they are written as PyTorch does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <vector>

#include "wakebuilder/core/tensor.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::checkpoint {

/// Calls `found(tensor)` for each tensor of a tree, in its order.
template <class F>
void visit_tensors(const core::Value& value, F&& found) {
  if (const auto* tensor = value.get_if<core::Tensor>()) found(*tensor);
  if (const auto* list = value.get_if<core::List>()) {
    for (const core::Value& item : *list) visit_tensors(item, found);
  }
  if (const auto* tuple = value.get_if<core::Tuple>()) {
    for (const core::Value& item : tuple->items) visit_tensors(item, found);
  }
  if (const auto* dict = value.get_if<core::Dict>()) {
    for (const auto& item : *dict) visit_tensors(item.second, found);
  }
}

/// The storages of a tree: tensors of one type whose bytes overlap share one. Looks into the
/// tensors' memory.
class StoragePlan {
 public:
  struct Storage {
    core::DType dtype;
    std::span<const std::byte> bytes;
  };
  struct Place {
    std::size_t storage = 0;
    std::uint64_t offset = 0;  ///< elements
  };

  explicit StoragePlan(const core::Value& root);

  /// In the order in which the tree first needs them.
  const std::vector<Storage>& storages() const { return storages_; }

  /// Where a tensor of the tree lies.
  Place place(const core::Tensor& tensor) const { return places_.at(key_of(tensor)); }

 private:
  using Key = std::tuple<core::DType, const std::byte*, std::size_t>;
  static Key key_of(const core::Tensor& tensor);
  void group(std::vector<Key> keys);

  std::vector<Storage> storages_;
  std::map<Key, Place> places_;
};

}  // namespace wakebuilder::checkpoint
