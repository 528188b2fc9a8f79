// Why a node reads a value that no node before it writes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// Who writes which value in a list of nodes, and which nodes stand in cycles.
///
/// Cycles are the strongly connected components of the graph "reads what is written by" (Tarjan,
/// "Depth-first search and linear graph algorithms", 1972, without recursion), where a node also
/// reads what its subgraphs read.
class NodeOrder {
 public:
  explicit NodeOrder(std::span<const NodeProto> nodes);

  /// The node that writes `name`.
  std::optional<std::size_t> writer(std::string_view name) const;

  /// True when both nodes lie on one cycle.
  bool in_one_cycle(std::size_t a, std::size_t b) const { return component_[a] == component_[b]; }

 private:
  void find_components();
  void visit(std::size_t root);

  std::unordered_map<std::string_view, std::size_t> writers_;
  std::vector<std::vector<std::size_t>> reads_from_;  ///< per node: the nodes whose values it reads
  std::vector<std::size_t> component_;
  // Of Tarjan's algorithm:
  std::vector<std::size_t> order_;
  std::vector<std::size_t> low_;
  std::vector<std::size_t> open_;
  std::size_t visited_ = 0;
};

}  // namespace wakebuilder::onnx
