// Makes tensors out of what a pickle says about them and the bytes of their storages.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"

#include "checkpoint/copy_budget.h"
#include "checkpoint/pickle_graph.h"

namespace wakebuilder::checkpoint {

/// The bytes of a storage, and who keeps them alive.
struct StorageBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
  bool big_endian = false;
};

/// Finds the bytes of a storage, which are exactly as many as it says.
using StorageSource =
    std::function<Result<StorageBytes>(const Storage& storage, CopyBudget& budget)>;

/// Reads the tensors of one graph. Each storage is asked for once, each tensor is made once.
class TensorReader {
 public:
  /// `graph` must outlive the reader.
  TensorReader(const PickleGraph& graph, StorageSource source, CopyBudget budget)
      : graph_(graph),
        source_(std::move(source)),
        budget_(budget),
        storages_(graph.storages.size()),
        tensors_(graph.tensors.size()) {}

  /// A view of the storage where that is possible, else a copy. Errors: those of the source;
  /// kCorrupt when the copies of a file grow beyond its budget.
  Result<core::Tensor> read(std::size_t index);

 private:
  Result<core::Tensor> make(const TensorSpec& spec, const StorageBytes& storage);

  const PickleGraph& graph_;
  StorageSource source_;
  CopyBudget budget_;
  std::vector<std::optional<StorageBytes>> storages_;
  std::vector<std::optional<core::Tensor>> tensors_;
};

/// True when `bytes` begin where an element of this type may lie in memory.
bool is_aligned(std::span<const std::byte> bytes, core::DType dtype);

}  // namespace wakebuilder::checkpoint
