// Writes .onnx files: the same model always gives the same bytes, and weights are copied only to
// the disk.
#pragma once

#include <cstddef>
#include <string>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// The largest file that protobuf, and so every other reader of ONNX, takes: 2 GiB - 1.
inline constexpr std::size_t kMaxModelBytes = 0x7fffffff;

/// Bytes of the model as serialize() and write_model() write it.
std::size_t serialized_size(const ModelProto& model);

/// The model as protobuf: fields by their number, lists in their order, `other_fields` last; texts
/// and numbers that are empty or zero are left out where that means the same.
std::string serialize(const ModelProto& model);

/// Appends serialize(model) to `file`, streaming each weight from where it lies.
/// Errors: kUnsupported beyond kMaxModelBytes, kIo as StagedFile::write.
Result<void> write_model(core::StagedFile& file, const ModelProto& model);

}  // namespace wakebuilder::onnx
