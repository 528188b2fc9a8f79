#include "onnx/skeleton.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "wakebuilder/onnx/external_data.h"

#include "onnx/tensor_size.h"

namespace wakebuilder::onnx {
namespace {

bool is_large(const TensorProto& tensor) {
  if (tensor.data_location != 0) return true;
  const auto type = element_type_info(tensor.data_type);
  const auto elements = tensor_elements(tensor);
  if (!type || type->bits == 0 || !elements) return false;
  const auto size = raw_size(*type, *elements);
  return size && *size > kSkeletonBytes;
}

ValueInfoProto as_input(const TensorProto& tensor, const std::string& name) {
  std::vector<Dimension> shape;
  for (const std::int64_t dim : tensor.dims) shape.push_back({.value = dim, .param = {}});
  TypeProto type;
  type.elem_type = tensor.data_type;
  type.shape = std::move(shape);
  ValueInfoProto input;
  input.name = name;
  input.type = std::move(type);
  return input;
}

/// The tensor of a Constant node; null for other nodes.
const TensorProto* constant_of(const NodeProto& node) {
  const bool is_constant =
      node.op_type == "Constant" && (node.domain.empty() || node.domain == "ai.onnx");
  if (!is_constant || node.attributes.size() != 1 || node.outputs.size() != 1) return nullptr;
  const AttributeProto& value = node.attributes.front();
  return value.name == "value" && value.tensors.size() == 1 ? &value.tensors.front() : nullptr;
}

Result<void> bring_in(std::vector<NodeProto>& nodes, ExternalData& external);

Result<void> bring_in(TensorProto& tensor, ExternalData& external) {
  if (tensor.data_location == 0) return {};
  WAKEBUILDER_TRY(tensor.raw_data, external.bytes(tensor));
  tensor.data_location = 0;
  tensor.external_data.clear();
  return {};
}

Result<void> bring_in(GraphProto& graph, ExternalData& external) {
  for (TensorProto& tensor : graph.initializers) WAKEBUILDER_CHECK(bring_in(tensor, external));
  return bring_in(graph.nodes, external);
}

Result<void> bring_in(std::vector<NodeProto>& nodes, ExternalData& external) {
  for (NodeProto& node : nodes) {
    for (AttributeProto& attribute : node.attributes) {
      for (TensorProto& tensor : attribute.tensors) WAKEBUILDER_CHECK(bring_in(tensor, external));
      for (GraphProto& graph : attribute.graphs) WAKEBUILDER_CHECK(bring_in(graph, external));
    }
  }
  return {};
}

class GraphSkeleton {
 public:
  explicit GraphSkeleton(const GraphProto& whole) : whole_(whole) {
    for (const ValueInfoProto& input : whole.inputs) inputs_.insert(input.name);
  }

  GraphProto make() {
    graph_.name = whole_.name;
    graph_.inputs = whole_.inputs;
    graph_.outputs = whole_.outputs;
    graph_.value_infos = whole_.value_infos;
    graph_.sparse_initializers = whole_.sparse_initializers;
    for (const TensorProto& tensor : whole_.initializers) add(tensor);
    for (const NodeProto& node : whole_.nodes) add(node);
    return std::move(graph_);
  }

 private:
  void add(const TensorProto& tensor) {
    if (!is_large(tensor)) {
      graph_.initializers.push_back(tensor);
    } else if (!inputs_.contains(tensor.name)) {
      graph_.inputs.push_back(as_input(tensor, tensor.name));
    }
  }

  void add(const NodeProto& node) {
    const TensorProto* constant = constant_of(node);
    if (constant != nullptr && is_large(*constant)) {
      graph_.inputs.push_back(as_input(*constant, node.outputs.front()));
    } else {
      graph_.nodes.push_back(node);
    }
  }

  const GraphProto& whole_;
  GraphProto graph_;
  std::unordered_set<std::string> inputs_;
};

}  // namespace

Result<ModelProto> skeleton_of(const ModelProto& model, std::int64_t max_ir_version,
                               const std::filesystem::path& folder) {
  ModelProto skeleton;
  skeleton.ir_version = std::min(model.ir_version, max_ir_version);
  skeleton.opset_imports = model.opset_imports;
  skeleton.functions = model.functions;
  ExternalData external(folder);
  if (model.graph) {
    skeleton.graph = GraphSkeleton(*model.graph).make();
    WAKEBUILDER_CHECK(bring_in(*skeleton.graph, external));
  }
  for (FunctionProto& function : skeleton.functions) {
    WAKEBUILDER_CHECK(bring_in(function.nodes, external));
  }
  return skeleton;
}

}  // namespace wakebuilder::onnx
