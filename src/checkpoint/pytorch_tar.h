// The tar archives of PyTorch 0.1.
//
// Three members: `storages` (a count, then for each a pickle (key, device, type), the number of
// elements and the data; at the end a pickled list of views), `tensors` (a count, then for each a
// pickle (key, key of its storage, type), the number of dimensions in 8 bytes, sizes, strides and
// offset) and `pickle`, the object, whose persistent ids are the keys of tensors as text. Source:
// torch/serialization.py, legacy_load.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::checkpoint {

/// The object of a tar archive. `owner` keeps `bytes` alive. Errors: kCorrupt, kUnsupported.
Result<core::Value> read_pytorch_tar(std::span<const std::byte> bytes,
                                     const std::shared_ptr<const void>& owner);

}  // namespace wakebuilder::checkpoint
