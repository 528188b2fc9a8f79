// The ONNX library (libonnx) behind functions on our own structs. onnx_library.cc is the only
// source that includes its headers or protobuf's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "wakebuilder/core/finding.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// "ONNX checker 1.12.0".
std::string onnx_library_name();

/// True when the linked library has the operators of the model's opsets and its element types, and
/// can be asked safely: the functions of the model expand to a reasonable number of nodes.
/// @pre check_structure() found no error
bool onnx_library_knows(const ModelProto& model);

/// What the library's checker and its strict shape inference object to.
/// @pre onnx_library_knows(model)
std::vector<core::Finding> ask_onnx_library(const ModelProto& model,
                                            const std::filesystem::path& folder);

/// The value_info of the main graph after shape inference; that of the model itself where inference
/// fails.
/// @pre onnx_library_knows(model)
std::vector<ValueInfoProto> infer_with_onnx_library(const ModelProto& model);

}  // namespace wakebuilder::onnx
