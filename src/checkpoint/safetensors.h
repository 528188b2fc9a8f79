// Reads safetensors files: 8 bytes of header length, a JSON header, the data.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "wakebuilder/core/dtype.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::checkpoint {

/// The tensors by name in the order of the header, and `__metadata__`.
struct SafetensorsFile {
  core::Dict tensors;
  core::Value metadata = core::Dict{};
};

/// Reads strictly: offsets in range, without holes or overlaps, sizes that fit shapes.
/// Errors: kCorrupt; kUnsupported for element types that core lacks.
Result<SafetensorsFile> read_safetensors(std::span<const std::byte> bytes,
                                         const std::shared_ptr<const void>& owner);

/// The format's name of an element type, "F32"; empty for complex128, which it lacks.
std::string_view safetensors_name(core::DType dtype);

}  // namespace wakebuilder::checkpoint
