#include "wakebuilder/onnx/print.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_set>

#include "onnx/text_form.h"

namespace wakebuilder::onnx {
namespace {

std::string value_text(std::string_view name) { return "%" + name_text(name); }

std::string typed_text(std::string_view name, const std::string& type) {
  return "  " + value_text(name) + "[" + type + "]\n";
}

std::string names_text(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + value_text(name);
  return text;
}

std::string operator_name(const NodeProto& node) {
  const bool is_default = node.domain.empty() || node.domain == "ai.onnx";
  return (is_default ? "" : name_text(node.domain) + ".") + name_text(node.op_type);
}

/// "[axis = 1, keepdims = 0]", sorted by name.
std::string attributes_text(const NodeProto& node) {
  if (node.attributes.empty()) return "";
  std::vector<std::string> texts;
  for (const AttributeProto& attribute : node.attributes) {
    texts.push_back(name_text(attribute.name) + " = " + attribute_text(attribute));
  }
  std::sort(texts.begin(), texts.end());
  std::string text = "[";
  for (const std::string& item : texts) text += (text.size() == 1 ? "" : ", ") + item;
  return text + "]";
}

std::string node_text(const NodeProto& node) {
  const std::string outputs = names_text(node.outputs);
  return "  " + outputs + (outputs.empty() ? "" : " = ") + operator_name(node) +
         attributes_text(node) + "(" + names_text(node.inputs) + ")\n";
}

std::string inputs_text(const GraphProto& graph,
                        const std::unordered_set<std::string_view>& weights, bool weighted) {
  std::string text;
  for (const ValueInfoProto& input : graph.inputs) {
    if (weights.contains(input.name) == weighted)
      text += typed_text(input.name, type_text(input.type));
  }
  return text;
}

std::string weights_text(const GraphProto& graph) {
  std::unordered_set<std::string_view> inputs;
  for (const ValueInfoProto& input : graph.inputs) inputs.insert(input.name);
  std::string text;
  for (const TensorProto& tensor : graph.initializers) {
    if (inputs.contains(tensor.name)) continue;
    text += typed_text(tensor.name,
                       element_type_text(tensor.data_type) + ", " + shape_text(tensor.dims));
  }
  for (const SparseTensorProto& tensor : graph.sparse_initializers) {
    text += typed_text(tensor.values.name, "sparse " + element_type_text(tensor.values.data_type) +
                                               ", " + shape_text(tensor.dims));
  }
  return text;
}

/// The first lines: name, inputs, inputs with a default, weights.
std::string header_text(const GraphProto& graph) {
  std::unordered_set<std::string_view> weights;
  for (const TensorProto& tensor : graph.initializers) weights.insert(tensor.name);
  std::string text = "graph " + name_text(graph.name) + " ";
  const auto add = [&](std::string_view title, const std::string& lines) {
    if (!lines.empty()) text += std::string(title) + "(\n" + lines + ") ";
  };
  add("", inputs_text(graph, weights, false));
  add("optional inputs with matching initializers ", inputs_text(graph, weights, true));
  add("initializers ", weights_text(graph));
  return text + "{\n";
}

void append_graph(std::string& text, const GraphProto& graph) {
  text += header_text(graph);
  for (const NodeProto& node : graph.nodes) text += node_text(node);
  std::vector<std::string> outputs;
  for (const ValueInfoProto& output : graph.outputs) outputs.push_back(output.name);
  text += "  return " + names_text(outputs) + "\n}\n";
  for (const NodeProto& node : graph.nodes) {
    for (const AttributeProto& attribute : node.attributes) {
      for (const GraphProto& subgraph : attribute.graphs) append_graph(text += "\n", subgraph);
    }
  }
}

void count(const GraphProto& graph, std::map<std::string, std::size_t>& counts) {
  for (const NodeProto& node : graph.nodes) {
    ++counts[operator_name(node)];
    for (const AttributeProto& attribute : node.attributes) {
      for (const GraphProto& subgraph : attribute.graphs) count(subgraph, counts);
    }
  }
}

}  // namespace

std::string printable_graph(const GraphProto& graph) {
  std::string text;
  append_graph(text, graph);
  return text;
}

std::vector<std::pair<std::string, std::size_t>> count_operators(const GraphProto& graph) {
  std::map<std::string, std::size_t> counts;
  count(graph, counts);
  std::vector<std::pair<std::string, std::size_t>> list(counts.begin(), counts.end());
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return list;
}

}  // namespace wakebuilder::onnx
