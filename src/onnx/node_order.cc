#include "onnx/node_order.h"

#include <algorithm>
#include <limits>

namespace wakebuilder::onnx {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

/// Calls f with each value name that the node or a node of its subgraphs reads.
template <class F>
void for_each_read(const NodeProto& node, const F& f) {
  for (const std::string& name : node.inputs) f(name);
  for (const AttributeProto& attribute : node.attributes) {
    for (const GraphProto& graph : attribute.graphs) {
      for (const NodeProto& inner : graph.nodes) for_each_read(inner, f);
    }
  }
}

}  // namespace

NodeOrder::NodeOrder(std::span<const NodeProto> nodes) : reads_from_(nodes.size()) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::string& name : nodes[i].outputs) writers_.emplace(name, i);
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for_each_read(nodes[i], [&](const std::string& name) {
      if (const auto from = writer(name); from && !name.empty()) reads_from_[i].push_back(*from);
    });
  }
  find_components();
}

std::optional<std::size_t> NodeOrder::writer(std::string_view name) const {
  const auto found = writers_.find(name);
  if (found == writers_.end()) return std::nullopt;
  return found->second;
}

void NodeOrder::find_components() {
  component_.assign(reads_from_.size(), kNone);
  order_.assign(reads_from_.size(), kNone);
  low_.assign(reads_from_.size(), kNone);
  for (std::size_t i = 0; i < reads_from_.size(); ++i) {
    if (order_[i] == kNone) visit(i);
  }
}

void NodeOrder::visit(std::size_t root) {
  struct Step {
    std::size_t node;
    std::size_t next_edge;
  };
  std::vector<Step> path;
  const auto enter = [&](std::size_t node) {
    order_[node] = low_[node] = visited_++;
    open_.push_back(node);
    path.push_back({node, 0});
  };
  const auto leave = [&](std::size_t node) {
    path.pop_back();
    if (!path.empty()) low_[path.back().node] = std::min(low_[path.back().node], low_[node]);
    if (low_[node] != order_[node]) return;
    std::size_t member = kNone;
    do {
      member = open_.back();
      open_.pop_back();
      component_[member] = node;
    } while (member != node);
  };
  enter(root);
  while (!path.empty()) {
    auto& [node, next_edge] = path.back();
    if (next_edge == reads_from_[node].size()) {
      leave(node);
      continue;
    }
    const std::size_t from = reads_from_[node][next_edge++];
    if (order_[from] == kNone) {
      enter(from);
    } else if (component_[from] == kNone) {
      low_[node] = std::min(low_[node], order_[from]);
    }
  }
}

}  // namespace wakebuilder::onnx
