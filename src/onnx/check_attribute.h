// Checks what an attribute says of itself: its type, and that it has a value of that type and no
// other.
#pragma once

#include <string>

#include "onnx/check_context.h"

namespace wakebuilder::onnx {

/// Subgraphs are left to check_graph().
/// @param where  of the node
void check_attribute(CheckContext& context, const Surroundings& around, const std::string& where,
                     const AttributeProto& attribute);

}  // namespace wakebuilder::onnx
