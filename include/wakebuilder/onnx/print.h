// Shows a graph as text.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// The graph in the manner of onnx.helper.printable_graph:
/// ```
/// graph minimal (
///   %X[FLOAT, batchx4]
/// ) initializers (
///   %W[FLOAT, 4x2]
/// ) {
///   %H = Gemm[alpha = 1](%X, %W)
///   return %H
/// }
/// ```
/// Unlike there, tensors of up to 8 values are shown with them, as <Tensor INT64[2] 1, 2>.
/// Subgraphs follow their graph. Names are escaped and cut after 400 bytes, strings after 64. The
/// same graph gives the same text.
std::string printable_graph(const GraphProto& graph);

/// How often each operator stands in the graph and its subgraphs, most frequent first, then by
/// name. An operator of another domain is written "com.microsoft.FusedGemm".
std::vector<std::pair<std::string, std::size_t>> count_operators(const GraphProto& graph);

}  // namespace wakebuilder::onnx
