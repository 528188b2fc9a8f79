// Draws a graph.
#pragma once

#include <span>
#include <string>

#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// Graphs with more nodes than this are not laid out; the drawing then only says so.
inline constexpr std::size_t kMaxDrawnNodes = 2000;

/// The graph as an SVG document of its own, from top to bottom: a box per operator, coloured by its
/// kind, with its name, attributes and weights; pills for inputs and outputs; the shapes of values
/// on the lines between them; frames around the nodes of a scope (the part of their names before
/// the first '/') where they stand together. Constants are shown in the boxes that read them,
/// subgraphs below their graph. Readable on light and dark pages; all text is escaped. Any graph
/// can be drawn, sound or not; the same graph gives the same drawing.
///
/// @param types  more value types than the graph states, e.g. infer_types()
std::string to_svg(const GraphProto& graph, std::span<const ValueInfoProto> types = {});

}  // namespace wakebuilder::onnx
