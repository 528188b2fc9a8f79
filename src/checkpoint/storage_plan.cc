#include "checkpoint/storage_plan.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace wakebuilder::checkpoint {
namespace {

constexpr std::size_t kUnnumbered = std::numeric_limits<std::size_t>::max();

}  // namespace

StoragePlan::Key StoragePlan::key_of(const core::Tensor& tensor) {
  const auto bytes = tensor.bytes();
  return {tensor.dtype(), bytes.empty() ? nullptr : bytes.data(), bytes.size()};
}

/// Merges overlapping ranges. Keys are sorted by type and address, so overlaps are neighbours.
void StoragePlan::group(std::vector<Key> keys) {
  std::sort(keys.begin(), keys.end());
  for (const Key& key : keys) {
    const auto [dtype, data, size] = key;
    const std::size_t item = core::item_size(dtype);
    Storage* last = storages_.empty() ? nullptr : &storages_.back();
    const bool overlaps = last != nullptr && last->dtype == dtype && data != nullptr &&
                          last->bytes.data() != nullptr &&
                          data < last->bytes.data() + last->bytes.size();
    const std::size_t start = overlaps ? static_cast<std::size_t>(data - last->bytes.data()) : 0;
    if (!overlaps || start % item != 0) {
      storages_.push_back({dtype, {data, size}});
      places_[key] = {storages_.size() - 1, 0};
      continue;
    }
    last->bytes = {last->bytes.data(), std::max(last->bytes.size(), start + size)};
    places_[key] = {storages_.size() - 1, start / item};
  }
}

StoragePlan::StoragePlan(const core::Value& root) {
  std::vector<Key> in_tree_order;
  visit_tensors(root, [&](const core::Tensor& tensor) {
    const Key key = key_of(tensor);
    if (places_.emplace(key, Place{}).second) in_tree_order.push_back(key);
  });
  group(in_tree_order);

  std::vector<std::size_t> numbers(storages_.size(), kUnnumbered);
  std::vector<Storage> numbered;
  for (const Key& key : in_tree_order) {
    Place& place = places_.at(key);
    std::size_t& number = numbers[place.storage];
    if (number == kUnnumbered) {
      number = numbered.size();
      numbered.push_back(storages_[place.storage]);
    }
    place.storage = number;
  }
  storages_ = std::move(numbered);
}

}  // namespace wakebuilder::checkpoint
