// Checks that the operands of products and sums fit each other.
//
// ONNX 1.12, the library of Debian 12, infers a Gemm without comparing its inner dimensions, and
// knows no operators beyond opset 17. So the operators that carry nearly all weights are checked
// here, in the main graph, as far as types and shapes are known.
#pragma once

#include <span>

#include "onnx/check_context.h"

namespace wakebuilder::onnx {

/// @param types  of values, besides what the graph states
void check_operands(FindingList& findings, const GraphProto& graph,
                    std::span<const ValueInfoProto> types);

}  // namespace wakebuilder::onnx
