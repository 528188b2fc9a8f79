// Checks the functions that a model brings along.
#pragma once

#include "onnx/check_context.h"

namespace wakebuilder::onnx {

void check_functions(CheckContext& context, const ModelProto& model);

/// Nodes of the model with every call of its functions written out, subgraphs included; the largest
/// number where it does not fit. @pre check_functions() found no recursion
std::uint64_t expanded_nodes(const ModelProto& model);

}  // namespace wakebuilder::onnx
