#include "wakebuilder/onnx/emitter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/text.h"

#include "onnx/attribute_type.h"

namespace wakebuilder::onnx {
namespace {

/// The IR version that came with the ONNX release of each opset (onnx/docs/Versioning.md).
std::int64_t ir_version_of(std::int64_t opset) {
  if (opset <= 14) return 7;
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  return 10;
}

bool same_content(const TensorProto& a, const TensorProto& b) {
  return a.data_type == b.data_type && a.dims == b.dims &&
         std::ranges::equal(a.raw_data->bytes, b.raw_data->bytes);
}

std::string joined(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const std::int64_t number : numbers) text += "_" + std::to_string(number);
  return text;
}

}  // namespace

AttributeProto attribute(std::string name, float value) {
  AttributeProto proto;
  proto.name = std::move(name);
  proto.type = static_cast<std::int32_t>(AttributeType::kFloat);
  proto.f = value;
  return proto;
}

AttributeProto attribute(std::string name, std::int64_t value) {
  AttributeProto proto;
  proto.name = std::move(name);
  proto.type = static_cast<std::int32_t>(AttributeType::kInt);
  proto.i = value;
  return proto;
}

AttributeProto attribute(std::string name, std::vector<std::int64_t> values) {
  AttributeProto proto;
  proto.name = std::move(name);
  proto.type = static_cast<std::int32_t>(AttributeType::kInts);
  proto.ints = std::move(values);
  return proto;
}

ValueInfoProto float_value(std::string name, std::optional<std::vector<Dimension>> shape) {
  ValueInfoProto info;
  info.name = std::move(name);
  info.type.emplace();
  info.type->elem_type = kFloat;
  info.type->shape = std::move(shape);
  return info;
}

TensorProto to_proto(std::string name, const core::Tensor& tensor) {
  TensorProto proto;
  proto.name = std::move(name);
  proto.data_type = element_type_of(tensor.dtype());
  WAKEBUILDER_EXPECT(proto.data_type != kUndefined);
  proto.dims = tensor.shape();
  auto owner = std::make_shared<const core::Tensor>(tensor);
  const auto bytes = owner->bytes();
  proto.raw_data = Blob{bytes, std::move(owner)};
  return proto;
}

Emitter::Scope::Scope(Emitter& op, const std::string& name) : op_(op), length_(op.path_.size()) {
  op.path_ += (op.path_.empty() ? "" : "/") + name;
}

Emitter::Scope::~Scope() { op_.path_.resize(length_); }

Emitter::Emitter(std::int64_t opset) : opset_(opset) {
  WAKEBUILDER_EXPECT(opset >= kOldestEmittedOpset && opset <= kNewestEmittedOpset);
}

Emitter::Value Emitter::input(const std::string& name, std::vector<Dimension> shape) {
  graph_.inputs.push_back(float_value(name, std::move(shape)));
  return {name};
}

void Emitter::output(const std::string& name, const Value& value, std::vector<Dimension> shape) {
  bool written = false;
  for (NodeProto& node : graph_.nodes) {
    std::ranges::replace(node.inputs, value.name, name);
    written |= std::ranges::count(node.outputs, value.name) > 0;
    std::ranges::replace(node.outputs, value.name, name);
  }
  WAKEBUILDER_EXPECT(written);
  graph_.outputs.push_back(float_value(name, std::move(shape)));
}

ModelProto Emitter::finish(const std::string& graph_name) {
  ModelProto model;
  model.ir_version = ir_version_of(opset_);
  model.opset_imports = {{"", opset_}};
  graph_.name = graph_name;
  model.graph = std::move(graph_);
  graph_ = {};
  return model;
}

std::string Emitter::full_name(const std::string& name) const {
  return path_.empty() ? name : path_ + "/" + name;
}

NodeProto& Emitter::add_node(const std::string& op_type, const std::string& name,
                             std::vector<Value> inputs) {
  NodeProto node;
  node.name = full_name(name);
  node.op_type = op_type;
  for (Value& input : inputs) node.inputs.push_back(std::move(input.name));
  return graph_.nodes.emplace_back(std::move(node));
}

Emitter::Value Emitter::emit(const std::string& op_type, const std::string& name,
                             std::vector<Value> inputs, std::vector<AttributeProto> attributes) {
  NodeProto& node = add_node(op_type, name, std::move(inputs));
  node.outputs = {node.name};
  node.attributes = std::move(attributes);
  return {node.name};
}

Emitter::Value Emitter::initializer(TensorProto tensor) {
  const auto same = std::ranges::find_if(
      graph_.initializers, [&](const TensorProto& other) { return same_content(tensor, other); });
  if (same != graph_.initializers.end()) return {same->name};
  graph_.initializers.push_back(std::move(tensor));
  return {graph_.initializers.back().name};
}

Emitter::Value Emitter::weight(const Weight& parameter) {
  return initializer(to_proto(parameter.name, parameter.tensor));
}

Emitter::Value Emitter::weight(const Weight& parameter, const core::Shape& shape) {
  TensorProto proto = to_proto(parameter.name, parameter.tensor);
  WAKEBUILDER_EXPECT(core::numel(shape) == parameter.tensor.size());
  proto.dims = shape;
  return initializer(std::move(proto));
}

Emitter::Value Emitter::constant(double number) {
  const auto value = static_cast<float>(number);
  return initializer(
      to_proto("constant_" + core::to_text(number), core::Tensor::from<float>({value}, {})));
}

Emitter::Value Emitter::constant(const std::string& prefix,
                                 const std::vector<std::int64_t>& numbers) {
  const auto size = static_cast<std::int64_t>(numbers.size());
  return initializer(to_proto(prefix + joined(numbers), core::Tensor::from(numbers, {size})));
}

Emitter::Value Emitter::filled(const std::string& prefix, float number, std::int64_t size) {
  std::vector<float> values(static_cast<std::size_t>(size), number);
  return initializer(
      to_proto(prefix + "_" + std::to_string(size), core::Tensor::from(std::move(values), {size})));
}

Emitter::Value Emitter::linear(const std::string& name, const Value& x,
                               const model::Linear<Weight>& w) {
  return emit("Gemm", name, {x, weight(w.weight), weight(w.bias)},
              {attribute("transB", std::int64_t{1})});
}

Emitter::Value Emitter::conv1d(const std::string& name, const Value& x,
                               const model::Conv1d<Weight>& w, std::int64_t padding) {
  const std::int64_t kernel = w.weight.tensor.shape().back();
  return emit("Conv", name, {x, weight(w.weight), weight(w.bias)},
              {attribute("kernel_shape", std::vector{kernel}),
               attribute("pads", std::vector{padding, padding})});
}

/// (x - mean) / sqrt(variance + epsilon) over the last axis, in operators of opset 13.
Emitter::Value Emitter::centred_over_deviation(const Value& x, double epsilon) {
  WAKEBUILDER_EXPECT(opset_ < 18);  // ReduceMean takes its axes as an input from 18 on
  const auto mean_of = [&](const std::string& part, const Value& value) {
    return emit(
        "ReduceMean", part, {value},
        {attribute("axes", std::vector<std::int64_t>{-1}), attribute("keepdims", std::int64_t{1})});
  };
  const Value centred = emit("Sub", "centred", {x, mean_of("mean", x)});
  const Value variance = mean_of("variance", emit("Mul", "squared", {centred, centred}));
  const Value deviation =
      emit("Sqrt", "deviation", {emit("Add", "stabilised", {variance, constant(epsilon)})});
  return emit("Div", "normalised", {centred, deviation});
}

Emitter::Value Emitter::layer_norm(const std::string& name, const Value& x,
                                   const model::Norm<Weight>& w, double epsilon) {
  if (opset_ >= 17) {
    return emit(
        "LayerNormalization", name, {x, weight(w.weight), weight(w.bias)},
        {attribute("axis", std::int64_t{-1}), attribute("epsilon", static_cast<float>(epsilon))});
  }
  const Scope parts(*this, name);
  const Value scaled =
      emit("Mul", "scaled", {centred_over_deviation(x, epsilon), weight(w.weight)});
  return emit("Add", "shifted", {scaled, weight(w.bias)});
}

Emitter::Value Emitter::group_norm(const std::string& name, const Value& x,
                                   const model::Norm<Weight>& w, std::int64_t groups,
                                   double epsilon) {
  const auto eps = attribute("epsilon", static_cast<float>(epsilon));
  if (opset_ >= 21) {
    return emit("GroupNormalization", name, {x, weight(w.weight), weight(w.bias)},
                {eps, attribute("num_groups", groups)});
  }
  // Each group becomes a channel of InstanceNormalization, which normalises over all that follows.
  const Scope parts(*this, name);
  const std::int64_t channels = w.weight.tensor.shape()[0];
  const Value grouped = reshape("grouped", x, {0, groups, -1});
  const Value normed =
      emit("InstanceNormalization", "normalised",
           {grouped, filled("ones", 1.0F, groups), filled("zeros", 0.0F, groups)}, {eps});
  const Value back = reshape("ungrouped", normed, {0, channels, -1});
  const Value scaled = emit("Mul", "scaled", {back, weight(w.weight, {channels, 1})});
  return emit("Add", "shifted", {scaled, weight(w.bias, {channels, 1})});
}

Emitter::Value Emitter::matmul(const std::string& name, const Value& a, const Value& b) {
  return emit("MatMul", name, {a, b});
}

Emitter::Value Emitter::softmax(const std::string& name, const Value& x) {
  return emit("Softmax", name, {x}, {attribute("axis", std::int64_t{-1})});
}

Emitter::Value Emitter::add(const std::string& name, const Value& a, const Value& b) {
  return emit("Add", name, {a, b});
}

Emitter::Value Emitter::mul(const std::string& name, const Value& a, const Value& b) {
  return emit("Mul", name, {a, b});
}

Emitter::Value Emitter::scale(const std::string& name, const Value& x, double factor) {
  return emit("Mul", name, {x, constant(factor)});
}

Emitter::Value Emitter::relu(const std::string& name, const Value& x) {
  return emit("Relu", name, {x});
}

Emitter::Value Emitter::sigmoid(const std::string& name, const Value& x) {
  return emit("Sigmoid", name, {x});
}

Emitter::Value Emitter::gelu(const std::string& name, const Value& x) {
  if (opset_ >= 20) return emit("Gelu", name, {x});
  const Scope parts(*this, name);  // x (1 + erf(x / √2)) / 2
  const Value erf =
      emit("Erf", "erf", {emit("Div", "divided", {x, constant(std::numbers::sqrt2)})});
  const Value product = emit("Mul", "product", {x, emit("Add", "plus_one", {erf, constant(1.0)})});
  return emit("Mul", "halved", {product, constant(0.5)});
}

Emitter::Value Emitter::reshape(const std::string& name, const Value& x, const core::Shape& shape) {
  return emit("Reshape", name, {x, constant("shape", shape)});
}

Emitter::Value Emitter::transpose(const std::string& name, const Value& x,
                                  const std::vector<std::int64_t>& order) {
  return emit("Transpose", name, {x}, {attribute("perm", order)});
}

Emitter::Value Emitter::unsqueeze(const std::string& name, const Value& x, std::int64_t axis) {
  return emit("Unsqueeze", name, {x, constant("axes", {axis})});
}

Emitter::Value Emitter::squeeze(const std::string& name, const Value& x, std::int64_t axis) {
  return emit("Squeeze", name, {x, constant("axes", {axis})});
}

std::vector<Emitter::Value> Emitter::split(const std::string& name, const Value& x,
                                           std::int64_t parts, std::int64_t axis) {
  NodeProto& node = add_node("Split", name, {x});
  node.attributes = {attribute("axis", axis)};
  if (opset_ >= 18) node.attributes.push_back(attribute("num_outputs", parts));
  std::vector<Value> values;
  for (std::int64_t i = 0; i < parts; ++i) {
    node.outputs.push_back(node.name + "/" + std::to_string(i));
    values.push_back({node.outputs.back()});
  }
  return values;
}

}  // namespace wakebuilder::onnx
