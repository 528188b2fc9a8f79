// Reads .onnx files without protobuf: straight into the structs of graph.h, weights left where they
// are.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "wakebuilder/core/result.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// Messages may nest this deep below the model, as in protobuf.
inline constexpr int kMaxNesting = 100;

/// Reads a ModelProto from its bytes.
///
/// @param bytes  the file; raw_data of tensors looks into it
/// @param owner  keeps `bytes` alive; each Blob shares it
///
/// The result is what the file says, sound or not: check_model() judges it. Fields that graph.h
/// does not name are kept in other_fields. Memory beyond `bytes` is at most about 8 times their
/// size plus 64 MiB (times two while lists grow).
///
/// Errors: kUnsupported when the bytes are of another known format (a checkpoint, text, ...),
/// kCorrupt when they are empty, end too early, contradict the wire format, nest deeper than
/// kMaxNesting or unpack to more memory than allowed. The sentence says what and at which byte.
Result<ModelProto> parse_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

/// Maps a file and reads it. Errors: as MappedFile::open and parse_model, with the path in front.
Result<ModelProto> read_model(const std::filesystem::path& path);

}  // namespace wakebuilder::onnx
