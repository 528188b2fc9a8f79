// A model without its weights, for the ONNX library, which would copy them.
#pragma once

#include <cstdint>
#include <filesystem>

#include "wakebuilder/core/result.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// Weights up to this size stay: shapes, axes and other values that shape inference reads.
inline constexpr std::size_t kSkeletonBytes = 1024;

/// The model with the large weights of its main graph (initializers, and tensors of Constant nodes)
/// turned into graph inputs of the same name, type and shape. Weights of subgraphs stay; those
/// outside the file are brought in. What graph.h does not name at the level of the model (training)
/// is dropped.
///
/// @param max_ir_version  a higher ir_version is lowered to it
/// Errors: as ExternalData::bytes.
Result<ModelProto> skeleton_of(const ModelProto& model, std::int64_t max_ir_version,
                               const std::filesystem::path& folder);

}  // namespace wakebuilder::onnx
