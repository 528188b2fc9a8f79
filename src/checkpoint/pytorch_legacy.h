// Reads the files of torch.save before 1.6: five pickles, then the storages.
//
//   magic number 0x1950a86a20f9469cfc6c | protocol 1001 | system information | the object | sorted
//   keys per key: count (8 bytes), count elements
//
// The data is little-endian on every machine, whatever the system information says. Nothing is
// aligned.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::checkpoint {

/// The object of the file. @pre bytes begin with a pickle (0x80). Errors: kCorrupt, kUnsupported.
Result<core::Value> read_pytorch_legacy(std::span<const std::byte> bytes,
                                        const std::shared_ptr<const void>& owner);

}  // namespace wakebuilder::checkpoint
