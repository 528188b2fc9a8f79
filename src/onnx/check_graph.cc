#include "onnx/check_graph.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_set>

#include "wakebuilder/core/text.h"

#include "onnx/check_attribute.h"
#include "onnx/check_tensor.h"
#include "onnx/element_type.h"
#include "onnx/node_order.h"

namespace wakebuilder::onnx {
namespace {

/// The values that can be read at one point, and what is needed to say why one cannot.
struct Scope {
  const Scope* outer = nullptr;
  std::span<const NodeProto> nodes{};
  std::size_t current = 0;  ///< the node that is being checked
  std::unordered_set<std::string_view> names{};
  mutable std::optional<NodeOrder> order{};  ///< made when the first value is missing

  bool has(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer) {
      if (scope->names.contains(name)) return true;
    }
    return false;
  }
};

/// Old operators that some ONNX libraries print a warning about; no opset in range has them.
bool is_experimental(std::string_view op_type) {
  constexpr std::array<std::string_view, 11> kNames = {"ATen",
                                                       "Affine",
                                                       "ConstantFill",
                                                       "Crop",
                                                       "DynamicSlice",
                                                       "GRUUnit",
                                                       "GivenTensorFill",
                                                       "ImageScaler",
                                                       "ParametricSoftplus",
                                                       "Scale",
                                                       "ScaledTanh"};
  return std::find(kNames.begin(), kNames.end(), op_type) != kNames.end();
}

bool imports(const Surroundings& around, std::string_view domain) {
  return std::any_of(around.imports->begin(), around.imports->end(), [&](const auto& import) {
    return canonical_domain(import.first) == canonical_domain(domain);
  });
}

// --- nodes ---

/// Why `name` cannot be read at the scope's current node.
std::string why_missing(const Scope& scope, const std::string& name) {
  const std::string shown = "reads \"" + core::quote(name) + "\", ";
  for (const Scope* s = &scope; s != nullptr; s = s->outer) {
    if (!s->order) s->order.emplace(s->nodes);
    const auto writer = s->order->writer(name);
    if (!writer) continue;
    const std::string label = node_label(s->nodes[*writer], *writer);
    if (s->order->in_one_cycle(*writer, s->current)) {
      return shown + "which comes from " + label + " after it: the nodes form a cycle";
    }
    return shown + "which " + label + " writes only later: nodes must be sorted topologically";
  }
  return shown + "which no graph input, weight or node gives";
}

void check_operator(CheckContext& context, const Surroundings& around, const std::string& where,
                    const NodeProto& node) {
  if (node.op_type.empty()) context.findings.error(where, "has no operator (op_type is empty)");
  if (node.inputs.empty() && node.outputs.empty()) {
    context.findings.error(where, "has neither inputs nor outputs");
  }
  if (!imports(around, node.domain)) {
    context.findings.error(where, "is of the domain \"" + core::quote(node.domain) + "\", which " +
                                      (around.function != nullptr ? "the function" : "the model") +
                                      " does not import");
  }
  if (canonical_domain(node.domain).empty() && is_experimental(node.op_type)) {
    context.findings.error(where, "is an experimental operator, which no opset has");
  }
}

void check_subgraph(CheckContext& context, const Surroundings& around, const GraphProto& graph,
                    const Scope& outer);

void check_attributes(CheckContext& context, const Surroundings& around, const std::string& where,
                      const NodeProto& node, const Scope& scope) {
  std::unordered_set<std::string_view> names;
  for (const AttributeProto& attribute : node.attributes) {
    if (!names.insert(attribute.name).second) {
      context.findings.error(where, "has the " + named("attribute", attribute.name) + " twice");
    }
    check_attribute(context, around, where, attribute);
    for (const GraphProto& graph : attribute.graphs) {
      Surroundings inside = around;
      inside.prefix = where + ", " + core::quote(attribute.name) + ": ";
      check_subgraph(context, inside, graph, scope);
    }
  }
}

void check_outputs(CheckContext& context, const std::string& where, const NodeProto& node,
                   Scope& scope) {
  for (const std::string& name : node.outputs) {
    if (name.empty()) continue;
    if (scope.has(name)) {
      context.findings.error(where, "writes \"" + core::quote(name) +
                                        "\", which is there already: each value is written once");
    }
    scope.names.insert(name);
  }
}

void check_nodes(CheckContext& context, const Surroundings& around, Scope& scope) {
  for (scope.current = 0; scope.current < scope.nodes.size(); ++scope.current) {
    const NodeProto& node = scope.nodes[scope.current];
    const std::string where = around.prefix + node_label(node, scope.current);
    for (const std::string& name : node.inputs) {
      if (!name.empty() && !scope.has(name))
        context.findings.error(where, why_missing(scope, name));
    }
    check_operator(context, around, where, node);
    check_attributes(context, around, where, node, scope);
    check_outputs(context, where, node, scope);
  }
}

// --- inputs, weights, outputs ---

void check_element_type(CheckContext& context, const std::string& where, const TypeProto& type) {
  if (!element_type_info(type.elem_type)) {
    context.findings.error(where,
                           "has no known element type: " + element_type_name(type.elem_type));
  }
}

void check_dimensions(CheckContext& context, const std::string& where, const TypeProto& type) {
  if (!type.shape) return;
  for (const Dimension& dimension : *type.shape) {
    if (dimension.value.value_or(0) < 0) {
      context.findings.error(where,
                             "has a negative dimension: " + std::to_string(*dimension.value));
    }
  }
}

bool is_dense_or_sparse(const TypeProto& type) {
  return type.kind == "tensor" || type.kind == "sparse_tensor";
}

/// Inputs and outputs of the main graph state all of their type; elsewhere it may be left out.
void check_type(CheckContext& context, const std::string& where,
                const std::optional<TypeProto>& type, bool complete) {
  if (!type || type->kind.empty()) {
    if (complete) context.findings.error(where, "has no type");
    return;
  }
  if (!is_dense_or_sparse(*type)) return;
  if (complete || type->elem_type != kUndefined) check_element_type(context, where, *type);
  if (complete && !type->shape) context.findings.error(where, "has no shape");
  check_dimensions(context, where, *type);
}

void check_inputs(CheckContext& context, const Surroundings& around, const GraphProto& graph,
                  Scope& scope, bool is_main) {
  for (const ValueInfoProto& input : graph.inputs) {
    const std::string where = around.prefix + named("input", input.name);
    if (input.name.empty()) context.findings.error(where, "has no name");
    if (!scope.names.insert(input.name).second) context.findings.error(where, "is there twice");
    check_type(context, where, input.type, is_main);
  }
}

void add_initializer(CheckContext& context, const std::string& where, const std::string& name,
                     std::unordered_set<std::string_view>& seen, Scope& scope) {
  if (name.empty()) context.findings.error(where, "has no name");
  if (!seen.insert(name).second) context.findings.error(where, "is there twice");
  const bool is_input = !scope.names.insert(name).second;
  if (context.ir_version == 3 && !is_input && scope.outer == nullptr) {
    context.findings.error(where, "is no graph input, which IR version " +
                                      std::to_string(context.ir_version) + " asks for");
  }
}

void check_initializers(CheckContext& context, const Surroundings& around, const GraphProto& graph,
                        Scope& scope) {
  std::unordered_set<std::string_view> seen;
  for (const TensorProto& tensor : graph.initializers) {
    const std::string where = around.prefix + named("tensor", tensor.name);
    add_initializer(context, where, tensor.name, seen, scope);
    check_tensor(context, where, tensor);
  }
  for (const SparseTensorProto& tensor : graph.sparse_initializers) {
    const std::string where = around.prefix + named("sparse tensor", tensor.values.name);
    add_initializer(context, where, tensor.values.name, seen, scope);
    check_sparse_tensor(context, where, tensor);
  }
}

void check_graph_outputs(CheckContext& context, const Surroundings& around, const GraphProto& graph,
                         const Scope& scope, bool is_main) {
  for (const ValueInfoProto& output : graph.outputs) {
    const std::string where = around.prefix + named("output", output.name);
    if (output.name.empty()) {
      context.findings.error(where, "has no name");
    } else if (!scope.names.contains(output.name)) {
      context.findings.error(where, "is given by no node, weight or input of the graph");
    }
    check_type(context, where, output.type, is_main);
  }
}

void check_value_infos(CheckContext& context, const Surroundings& around, const GraphProto& graph) {
  for (const ValueInfoProto& value : graph.value_infos) {
    check_type(context, around.prefix + named("value", value.name), value.type, false);
  }
}

void check_graph(CheckContext& context, const Surroundings& around, const GraphProto& graph,
                 const Scope* outer) {
  const bool is_main = outer == nullptr;
  Scope scope{.outer = outer, .nodes = graph.nodes};
  if (graph.name.empty()) context.findings.error(around.prefix + "graph", "has no name");
  check_inputs(context, around, graph, scope, is_main);
  check_initializers(context, around, graph, scope);
  check_nodes(context, around, scope);
  check_graph_outputs(context, around, graph, scope, is_main);
  check_value_infos(context, around, graph);
}

void check_subgraph(CheckContext& context, const Surroundings& around, const GraphProto& graph,
                    const Scope& outer) {
  check_graph(context, around, graph, &outer);
}

}  // namespace

void check_main_graph(CheckContext& context, const Surroundings& around, const GraphProto& graph) {
  check_graph(context, around, graph, nullptr);
}

void check_function_body(CheckContext& context, const Surroundings& around,
                         const FunctionProto& function) {
  Scope scope{.nodes = function.nodes};
  for (const std::string& input : function.inputs) scope.names.insert(input);
  check_nodes(context, around, scope);
  for (const std::string& output : function.outputs) {
    if (scope.names.contains(output)) continue;
    context.findings.error(around.prefix + named("output", output),
                           "is given by no node of the function");
  }
}

}  // namespace wakebuilder::onnx
