#include "onnx/check_functions.h"

#include <limits>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_set>

#include "wakebuilder/core/text.h"

#include "onnx/check_graph.h"

namespace wakebuilder::onnx {
namespace {

constexpr std::uint64_t kTooMany = std::numeric_limits<std::uint64_t>::max();
constexpr int kMaxDepth = 100;

using FunctionName = std::tuple<std::string_view, std::string_view, std::string_view>;

template <class Callee>
FunctionName name_of(const Callee& callee, std::string_view name) {
  return {canonical_domain(callee.domain), name, callee.overload};
}

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
  return a > kTooMany - b ? kTooMany : a + b;
}

/// Follows calls from function to function and counts nodes on the way.
class CallGraph {
 public:
  explicit CallGraph(const ModelProto& model) {
    for (const FunctionProto& function : model.functions) {
      functions_.emplace(name_of(function, function.name), Entry{&function});
    }
  }

  /// Nodes of the function with its calls written out; nothing when it calls itself, on whatever
  /// way, or calls and subgraphs nest deeper than kMaxDepth.
  std::optional<std::uint64_t> size_of(const FunctionProto& function) {
    const auto found = functions_.find(name_of(function, function.name));
    return found == functions_.end() ? 0 : size_of(found->second);
  }

  std::optional<std::uint64_t> size_of(const std::vector<NodeProto>& nodes) {
    std::uint64_t total = 0;
    for (const NodeProto& node : nodes) {
      const auto size = size_of(node);
      if (!size) return std::nullopt;
      total = saturating_add(total, *size);
    }
    return total;
  }

 private:
  struct Entry {
    const FunctionProto* function = nullptr;
    bool open = false;
    std::optional<std::uint64_t> size{};
  };

  std::optional<std::uint64_t> size_of(Entry& entry) {
    if (entry.size) return entry.size;
    if (entry.open || depth_ >= kMaxDepth) return std::nullopt;
    entry.open = true;
    ++depth_;
    entry.size = size_of(entry.function->nodes);
    --depth_;
    entry.open = false;
    return entry.size;
  }

  std::optional<std::uint64_t> size_of(const GraphProto& subgraph) {
    if (depth_ >= kMaxDepth) return std::nullopt;
    ++depth_;
    const auto size = size_of(subgraph.nodes);
    --depth_;
    return size;
  }

  std::optional<std::uint64_t> size_of(const NodeProto& node) {
    std::uint64_t total = 1;
    const auto add = [&](std::optional<std::uint64_t> size) {
      if (size) total = saturating_add(total, *size);
      return size.has_value();
    };
    const auto callee = functions_.find(name_of(node, node.op_type));
    if (callee != functions_.end() && !add(size_of(callee->second))) return std::nullopt;
    for (const AttributeProto& attribute : node.attributes) {
      for (const GraphProto& graph : attribute.graphs) {
        if (!add(size_of(graph))) return std::nullopt;
      }
    }
    return total;
  }

  std::map<FunctionName, Entry> functions_;
  int depth_ = 0;
};

void check_imports(CheckContext& context, const std::string& where, const OpsetImports& imports) {
  std::unordered_set<std::string_view> domains;
  for (const auto& [domain, version] : imports) {
    if (!domains.insert(canonical_domain(domain)).second) {
      context.findings.error(where, "imports the domain \"" + core::quote(domain) + "\" twice");
    }
  }
}

void check_parameters(CheckContext& context, const std::string& where,
                      const FunctionProto& function) {
  std::unordered_set<std::string_view> names;
  for (const std::string& name : function.inputs) {
    if (!names.insert(name).second)
      context.findings.error(where, "has the " + named("input", name) + " twice");
  }
  names.clear();
  for (const std::string& name : function.attributes) {
    if (!names.insert(name).second)
      context.findings.error(where, "has the " + named("attribute", name) + " twice");
  }
  for (const AttributeProto& attribute : function.attribute_defaults) {
    if (!names.insert(attribute.name).second) {
      context.findings.error(where, "has the " + named("attribute", attribute.name) + " twice");
    }
  }
}

void check_function(CheckContext& context, const FunctionProto& function) {
  const std::string where = named("function", function.name);
  if (function.name.empty()) context.findings.error(where, "has no name");
  check_imports(context, where, function.opset_imports);
  check_parameters(context, where, function);
  const Surroundings around{
      .imports = &function.opset_imports, .function = &function, .prefix = where + ", "};
  check_function_body(context, around, function);
}

}  // namespace

void check_functions(CheckContext& context, const ModelProto& model) {
  std::unordered_set<std::string> names;
  CallGraph calls(model);
  for (const FunctionProto& function : model.functions) {
    check_function(context, function);
    const std::string where = named("function", function.name);
    const std::string full_name = std::string(canonical_domain(function.domain)) + '\0' +
                                  function.name + '\0' + function.overload;
    if (!names.insert(full_name).second) context.findings.error(where, "is there twice");
    if (!calls.size_of(function)) {
      context.findings.error(where, "calls itself, or nests calls and subgraphs more than " +
                                        std::to_string(kMaxDepth) + " deep");
    }
  }
}

std::uint64_t expanded_nodes(const ModelProto& model) {
  if (!model.graph) return 0;
  return CallGraph(model).size_of(model.graph->nodes).value_or(kTooMany);
}

}  // namespace wakebuilder::onnx
