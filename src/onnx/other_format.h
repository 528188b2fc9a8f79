// Recognises files that are called .onnx and are something else.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace wakebuilder::onnx {

/// "looks like a PyTorch checkpoint (ZIP)", "looks like text", ...; nothing when the bytes may be
/// protobuf.
std::optional<std::string> other_format(std::span<const std::byte> bytes);

}  // namespace wakebuilder::onnx
