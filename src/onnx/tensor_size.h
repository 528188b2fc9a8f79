// How much data a tensor's element type and shape ask for.
#pragma once

#include <cstdint>
#include <optional>

#include "wakebuilder/core/result.h"
#include "wakebuilder/onnx/graph.h"

#include "onnx/element_type.h"

namespace wakebuilder::onnx {

/// Elements of the tensor's shape. Errors: kCorrupt for a negative dimension and for an overflow.
Result<std::uint64_t> tensor_elements(const TensorProto& tensor);

/// Bytes in raw_data or an external file: packed without gaps, the last byte filled up.
/// Nothing when the number does not fit 64 bits.
std::optional<std::uint64_t> raw_size(const ElementTypeInfo& type, std::uint64_t elements);

/// Entries in the typed data field. Nothing when the number does not fit 64 bits.
std::optional<std::uint64_t> typed_entries(const ElementTypeInfo& type, std::uint64_t elements);

}  // namespace wakebuilder::onnx
