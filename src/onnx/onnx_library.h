// The ONNX library (libonnx) behind functions on our own structs. onnx_library.cc is the only
// source that includes its headers or protobuf's.
//
// The library runs in a process of its own: shape inference of ONNX 1.12 divides by strides of
// zero, reads beyond shapes and runs on for hours on models that are damaged or made to do so (15
// of 200 operators, tried with random attributes and shapes).
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

struct LibraryVerdict {
  std::vector<core::Finding>
      findings;  ///< of its checker and its strict shape inference; also that it crashed
  std::vector<ValueInfoProto>
      types;  ///< value_info of the main graph after inference, as far as it came
};

/// @pre onnx_library_knows(model)
LibraryVerdict ask_onnx_library(const ModelProto& model, const std::filesystem::path& folder);

}  // namespace wakebuilder::onnx
