// Bounds the memory that is taken for copies of tensor data.
#pragma once

#include <cstdint>
#include <string>

#include "wakebuilder/core/result.h"

#include "checkpoint/limits.h"

namespace wakebuilder::checkpoint {

/// Counts the bytes of copies, of which a file may cause its own size and kCopyAllowance more.
class CopyBudget {
 public:
  explicit CopyBudget(std::uint64_t file_size) : left_(file_size + kCopyAllowance) {}

  /// To be called before memory is taken. Errors: kCorrupt when the budget does not allow it.
  Result<void> take(std::uint64_t bytes) {
    if (bytes > left_) {
      return fail(ErrorCode::kCorrupt, "asks for " + std::to_string(bytes) +
                                           " bytes of memory, more than a file of this size may");
    }
    left_ -= bytes;
    return {};
  }

 private:
  std::uint64_t left_;
};

}  // namespace wakebuilder::checkpoint
