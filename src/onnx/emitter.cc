#include "wakebuilder/onnx/emitter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>

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
  const ElementType type = inputs.empty() ? kFloat : inputs[0].type;
  NodeProto& node = add_node(op_type, name, std::move(inputs));
  node.outputs = {node.name};
  node.attributes = std::move(attributes);
  return {node.name, type};
}

Emitter::Value Emitter::initializer(TensorProto tensor) {
  const auto type = static_cast<ElementType>(tensor.data_type);
  const auto same = std::ranges::find_if(
      graph_.initializers, [&](const TensorProto& other) { return same_content(tensor, other); });
  if (same != graph_.initializers.end()) return {same->name, type};
  graph_.initializers.push_back(std::move(tensor));
  return {graph_.initializers.back().name, type};
}

Emitter::Value Emitter::value(const Weight& parameter) {
  return initializer(to_proto(parameter.name, parameter.tensor));
}

Emitter::Value Emitter::value(const Weight& parameter, const core::Shape& shape) {
  TensorProto proto = to_proto(parameter.name, parameter.tensor);
  WAKEBUILDER_EXPECT(core::numel(shape) == parameter.tensor.size());
  proto.dims = shape;
  return initializer(std::move(proto));
}

Emitter::Value Emitter::constant(double number, ElementType type) {
  if (type == kDouble) {
    return initializer(to_proto("constant_" + core::to_text(number) + "_double",
                                core::Tensor::from<double>({number}, {})));
  }
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
  return emit("Gemm", name, {x, value(w.weight), value(w.bias)},
              {attribute("transB", std::int64_t{1})});
}

Emitter::Value Emitter::conv(const std::string& name, const Value& x, const model::Conv<Weight>& w,
                             const model::ConvGeometry& geometry) {
  const core::Shape& shape = w.weight.tensor.shape();
  std::vector<AttributeProto> attributes = {
      attribute("kernel_shape", std::vector<std::int64_t>(shape.begin() + 2, shape.end()))};
  if (!geometry.padding.empty()) {  // before each axis, then behind each
    std::vector<std::int64_t> pads = geometry.padding;
    pads.insert(pads.end(), geometry.padding.begin(), geometry.padding.end());
    attributes.push_back(attribute("pads", std::move(pads)));
  }
  if (!geometry.stride.empty()) attributes.push_back(attribute("strides", geometry.stride));
  if (!geometry.dilation.empty()) attributes.push_back(attribute("dilations", geometry.dilation));
  if (geometry.groups != 1) attributes.push_back(attribute("group", geometry.groups));
  std::vector<Value> inputs = {x, value(w.weight)};
  if (w.bias) inputs.push_back(value(*w.bias));
  return emit("Conv", name, std::move(inputs), std::move(attributes));
}

/// (x - mean) / sqrt(variance + epsilon) over the last axis, in operators of opset 13.
Emitter::Value Emitter::centred_over_deviation(const Value& x, double epsilon) {
  const auto mean_of = [&](const std::string& part, const Value& value) {
    return reduce(part, value, model::Reduction::kMean, -1);
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
        "LayerNormalization", name, {x, value(w.weight), value(w.bias)},
        {attribute("axis", std::int64_t{-1}), attribute("epsilon", static_cast<float>(epsilon))});
  }
  const Scope parts(*this, name);
  const Value scaled = emit("Mul", "scaled", {centred_over_deviation(x, epsilon), value(w.weight)});
  return emit("Add", "shifted", {scaled, value(w.bias)});
}

Emitter::Value Emitter::group_norm(const std::string& name, const Value& x,
                                   const model::Norm<Weight>& w, std::int64_t groups,
                                   double epsilon) {
  const auto eps = attribute("epsilon", static_cast<float>(epsilon));
  if (opset_ >= 21) {
    return emit("GroupNormalization", name, {x, value(w.weight), value(w.bias)},
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
  const Value scaled = emit("Mul", "scaled", {back, value(w.weight, {channels, 1})});
  return emit("Add", "shifted", {scaled, value(w.bias, {channels, 1})});
}

Emitter::Value Emitter::batch_norm(const std::string& name, const Value& x,
                                   const model::BatchNorm<Weight>& w, double epsilon) {
  return emit("BatchNormalization", name,
              {x, value(w.weight), value(w.bias), value(w.mean), value(w.variance)},
              {attribute("epsilon", static_cast<float>(epsilon))});
}

/// ReduceSum takes its axes as an input, the others from opset 18 on.
Emitter::Value Emitter::reduce(const std::string& name, const Value& x, model::Reduction reduction,
                               std::int64_t axis) {
  const std::vector<std::int64_t> axes = {axis};
  const auto keep = attribute("keepdims", std::int64_t{1});
  const char* op_type = reduction == model::Reduction::kMax    ? "ReduceMax"
                        : reduction == model::Reduction::kMean ? "ReduceMean"
                                                               : "ReduceSum";
  if (opset_ >= 18 || reduction == model::Reduction::kSum)
    return emit(op_type, name, {x, constant("axes", axes)}, {keep});
  return emit(op_type, name, {x}, {attribute("axes", axes), keep});
}

Emitter::Value Emitter::max_pool(const std::string& name, const Value& x,
                                 const std::vector<std::int64_t>& kernel,
                                 const std::vector<std::int64_t>& stride) {
  return emit("MaxPool", name, {x},
              {attribute("kernel_shape", kernel), attribute("strides", stride)});
}

/// In double: float32 loses the quiet bins beside loud ones. The matrices are made in the graph
/// from one period of the sine, sin(2π i / size); a runtime computes them once, when it loads the
/// model.
Emitter::Value Emitter::power_spectrum(const std::string& name, const Value& x, std::int64_t length,
                                       std::int64_t fft_size) {
  WAKEBUILDER_EXPECT(x.type == kDouble && length <= fft_size && fft_size % 4 == 0);
  const Scope parts(*this, name);
  const Value products = emit("Mul", "turns",
                              {counting("samples", length, {length, 1}),
                               counting("bins", fft_size / 2 + 1, {fft_size / 2 + 1})});
  const auto power_of = [&](const std::string& part, std::int64_t quarter) {
    const Value turns = emit("Add", part + "_phase", {products, constant("phase", {quarter})});
    const Value index = emit("Mod", part + "_index", {turns, constant("size", {fft_size})});
    const Value matrix = emit("Gather", part + "_matrix", {sine_table(fft_size), index});
    const Value y = matmul(part, x, matrix);
    return mul(part + "_squared", y, y);
  };
  return add("power", power_of("real", fft_size / 4), power_of("imaginary", 0));
}

/// 0, 1, ... as int64.
Emitter::Value Emitter::counting(const std::string& name, std::int64_t count,
                                 const core::Shape& shape) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return initializer(to_proto(full_name(name), core::Tensor::from(std::move(numbers), shape)));
}

Emitter::Value Emitter::sine_table(std::int64_t size) {
  std::vector<double> sines(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < sines.size(); ++i) {
    sines[i] = std::sin(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(size));
  }
  return initializer(to_proto(full_name("sine"), core::Tensor::from(std::move(sines), {size})));
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

Emitter::Value Emitter::sub(const std::string& name, const Value& a, const Value& b) {
  return emit("Sub", name, {a, b});
}

Emitter::Value Emitter::div(const std::string& name, const Value& a, const Value& b) {
  return emit("Div", name, {a, b});
}

Emitter::Value Emitter::scale(const std::string& name, const Value& x, double factor) {
  return emit("Mul", name, {x, constant(factor, x.type)});
}

Emitter::Value Emitter::shift(const std::string& name, const Value& x, double term) {
  return emit("Add", name, {x, constant(term, x.type)});
}

Emitter::Value Emitter::at_least(const std::string& name, const Value& x, double least) {
  return emit("Max", name, {x, constant(least, x.type)});
}

Emitter::Value Emitter::leaky_relu(const std::string& name, const Value& x, double slope) {
  return emit("LeakyRelu", name, {x}, {attribute("alpha", static_cast<float>(slope))});
}

Emitter::Value Emitter::abs(const std::string& name, const Value& x) {
  return emit("Abs", name, {x});
}

Emitter::Value Emitter::exp(const std::string& name, const Value& x) {
  return emit("Exp", name, {x});
}

Emitter::Value Emitter::log(const std::string& name, const Value& x) {
  return emit("Log", name, {x});
}

Emitter::Value Emitter::greater(const std::string& name, const Value& x, double than) {
  return {emit("Greater", name, {x, constant(than, x.type)}).name, kBool};
}

Emitter::Value Emitter::choose(const std::string& name, const Value& condition, const Value& x,
                               double otherwise) {
  return {emit("Where", name, {condition, x, constant(otherwise, x.type)}).name, x.type};
}

Emitter::Value Emitter::cast(const std::string& name, const Value& x, ElementType type) {
  return {emit("Cast", name, {x}, {attribute("to", std::int64_t{type})}).name, type};
}

Emitter::Value Emitter::to_float(const std::string& name, const Value& x) {
  return cast(name, x, kFloat);
}

Emitter::Value Emitter::to_double(const std::string& name, const Value& x) {
  return cast(name, x, kDouble);
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

Emitter::Value Emitter::concat(const std::string& name, const std::vector<Value>& values,
                               std::int64_t axis) {
  return emit("Concat", name, values, {attribute("axis", axis)});
}

Emitter::Value Emitter::slice(const std::string& name, const Value& x, std::int64_t axis,
                              std::int64_t begin, std::int64_t end, std::int64_t step) {
  return emit("Slice", name,
              {x, constant("begin", {begin}), constant("end", {end}), constant("axes", {axis}),
               constant("step", {step})});
}

Emitter::Value Emitter::pad(const std::string& name, const Value& x,
                            const std::vector<std::int64_t>& before,
                            const std::vector<std::int64_t>& after, double number) {
  std::vector<std::int64_t> pads = before;
  pads.insert(pads.end(), after.begin(), after.end());
  return emit("Pad", name, {x, constant("pads", pads), constant(number, x.type)});
}

Emitter::Value Emitter::repeat_for_batch(const std::string& name, const Weight& parameter,
                                         const Value& x) {
  const core::Shape& shape = parameter.tensor.shape();
  const Scope parts(*this, name);
  const Value batch = slice("batch", emit("Shape", "shape", {x}), 0, 0, 1);
  const std::vector<std::int64_t> ones(shape.size() - 1, 1);
  const Value target = concat("target", {batch, constant("shape", ones)}, 0);
  return emit("Expand", "repeated", {value(parameter), target});
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

/// Frames in blocks: the samples are cut into blocks of the greatest common divisor of length and
/// shift; a frame is some neighbouring blocks side by side. Sizes stay out of the graph.
Emitter::Value Emitter::frames(const std::string& name, const Value& x, std::int64_t length,
                               std::int64_t shift) {
  const Scope parts(*this, name);
  const std::int64_t size = std::gcd(length, shift);
  const Value samples = slice("samples", emit("Shape", "shape", {x}), 0, 1, 2);
  const Value whole =
      emit("Mul", "whole",
           {emit("Div", "count", {samples, constant("size", {size})}), constant("size", {size})});
  const Value used =
      emit("Slice", "used", {x, constant("begin", {0}), whole, constant("axes", {1})});
  const Value blocks = reshape("blocks", used, {0, -1, size});
  const std::int64_t count = length / size;
  std::vector<Value> columns;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t end = i + 1 == count ? model::kToTheEnd : i + 1 - count;
    columns.push_back(slice("block_" + std::to_string(i), blocks, 1, i, end, shift / size));
  }
  return concat("frames", columns, 2);
}

Emitter::Value Emitter::past(const std::string& name, const Value& x, std::int64_t axis,
                             const core::Shape& state) {
  const std::int64_t steps = state.at(static_cast<std::size_t>(axis));
  if (!is_stream_ || steps == 0) return x;
  std::vector<Dimension> shape;
  for (const std::int64_t size : state) shape.push_back({.value = size, .param = {}});
  if (state[0] == 0) shape[0] = {.value = std::nullopt, .param = "batch"};
  const std::string path = full_name(name);
  const Scope parts(*this, name);
  Value whole = concat("with_past", {input("state/" + path, shape), x}, axis);
  output("next_state/" + path, slice("next", whole, axis, -steps, model::kToTheEnd), shape);
  return whole;
}

}  // namespace wakebuilder::onnx
