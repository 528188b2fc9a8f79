// Checkpoints from one container to another, loss-free.
#pragma once

#include <cstdint>
#include <filesystem>

#include "wakebuilder/core/result.h"

namespace wakebuilder::pipeline {

struct ConvertReport {
  std::filesystem::path output;
  std::size_t tensors = 0;
  std::uint64_t bytes = 0;
};

/// Writes what `input` holds to `output`; the ending says the format: .pt, .pth, .bin or
/// .safetensors. The result is read back and compared with the input, value by value, before it
/// takes its place. Errors: as checkpoint::read; kInvalidArgument for another ending, for input and
/// output being the same file, and for an existing output that is no checkpoint unless `force`;
/// kUnsupported for what the target format lacks.
Result<ConvertReport> convert(const std::filesystem::path& input,
                              const std::filesystem::path& output, bool force = false);

}  // namespace wakebuilder::pipeline
