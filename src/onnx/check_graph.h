// Checks names, scopes and order: what a graph or a function reads is there when it is read.
//
// The rules (ONNX "Open Neural Network Exchange Intermediate Representation", "Graphs" and "Names
// Within a Graph"): nodes stand in an order in which each reads only what inputs, weights and
// earlier nodes give; each value is written once; a subgraph also sees the values of the graphs
// around it, as far as they are written before the node that holds it, and does not write a name
// that it sees.
#pragma once

#include "onnx/check_context.h"

namespace wakebuilder::onnx {

void check_main_graph(CheckContext& context, const Surroundings& around, const GraphProto& graph);

/// The nodes of a function: its inputs are their scope.
void check_function_body(CheckContext& context, const Surroundings& around,
                         const FunctionProto& function);

}  // namespace wakebuilder::onnx
