// Places boxes in layers, so that lines between them run downwards and cross little.
//
// The steps of Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System
// Structures" (1981):
// 1. order: a topological order; edges against it (the graph has cycles) are left out of steps 2 to
// 5;
// 2. layers: the longest path from a source, then boxes slide down to their readers where that
// shortens edges;
// 3. bends: an edge over several layers gets an invisible box in each layer between;
// 4. sequence: within a layer, boxes are sorted by the mean place of their neighbours, down and up
// in turn, and
//    the sequence with the fewest crossings wins;
// 5. places: each box moves to the middle of its neighbours as far as the sequence and the gaps
// allow, which is an isotonic
//    regression per layer (pool adjacent violators).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace wakebuilder::onnx {

struct Point {
  double x = 0;
  double y = 0;
};

struct BoxSize {
  double width = 0;
  double height = 0;
};

struct LayoutEdge {
  std::size_t from = 0;
  std::size_t to = 0;
};

struct Layout {
  std::vector<Point> centers;  ///< per box; boxes hang from the top of their layer
  std::vector<double> floors;  ///< per box: y of the bottom of its layer
  std::vector<std::vector<Point>>
      bends;  ///< per edge: where it enters and leaves each layer between
  double width = 0;
  double height = 0;
};

/// @pre each edge names existing boxes, else std::logic_error
/// Deterministic; all coordinates are within [0, width] x [0, height].
Layout lay_out(std::span<const BoxSize> boxes, std::span<const LayoutEdge> edges);

}  // namespace wakebuilder::onnx
