// The rest of a checkpoint beside its tensors, as JSON inside safetensors' __metadata__.
//
// JSON lacks tuples, bytes, long integers, NaN and keys that are no text. Each is an object with a
// single key that begins with "$": {"$tuple": [...]}, {"$tensor": "name"}, ...;
// docs/formats/safetensors.md has them all.
#pragma once

#include <string>
#include <string_view>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

#include "checkpoint/safetensors.h"

namespace wakebuilder::checkpoint {

/// The key of __metadata__ under which the tree is.
constexpr std::string_view kTreeKey = "wakebuilder.tree";

/// The tree that write_safetensors wrote, whose entry is then taken out of `file.metadata`; for a
/// foreign file the dict of its tensors. Errors: kCorrupt when the tree is damaged or leaves a
/// tensor out.
Result<core::Value> take_tree(SafetensorsFile& file);

}  // namespace wakebuilder::checkpoint
