#include "onnx/text_form.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

#include "wakebuilder/core/tensor.h"
#include "wakebuilder/core/text.h"

#include "onnx/attribute_type.h"
#include "onnx/element_type.h"
#include "onnx/tensor_size.h"

namespace wakebuilder::onnx {
namespace {

constexpr std::size_t kNameBytes = 400;
constexpr std::size_t kStringBytes = 64;
constexpr std::size_t kShownNumbers = 64;
constexpr std::size_t kShownValues = 8;

/// The shortest text that reads back as the same float.
std::string number_text(float number) {
  char buffer[32];
  const auto result = std::to_chars(std::begin(buffer), std::end(buffer), number);
  return {std::begin(buffer), result.ptr};
}
std::string number_text(double number) { return core::to_text(number); }
template <std::integral T>
std::string number_text(T number) {
  return std::to_string(number);
}

std::string string_text(std::string_view text) {
  std::string shown = "\"" + core::escape(text.substr(0, kStringBytes)) + "\"";
  if (text.size() > kStringBytes)
    shown += "...<+" + std::to_string(text.size() - kStringBytes) + ">";
  return shown;
}

template <class List, class F>
std::string joined(const List& list, std::string_view separator, const F& text_of) {
  std::string text;
  std::size_t shown = 0;
  for (const auto& item : list) {
    if (shown > 0) text += separator;
    if (++shown > kShownNumbers) return text + "... " + std::to_string(list.size()) + " in all";
    text += text_of(item);
  }
  return text;
}

template <class List>
std::string numbers_text(const List& list) {
  return "[" + joined(list, ", ", [](const auto& number) { return number_text(number); }) + "]";
}

/// Number `i` of raw data, as text.
template <class T>
std::string raw_value(std::span<const std::byte> raw, std::size_t i) {
  T value;
  std::memcpy(&value, raw.data() + i * sizeof(T), sizeof(T));
  return number_text(value);
}

std::string raw_value_text(std::int32_t data_type, std::span<const std::byte> raw, std::size_t i) {
  const auto bits16 = [&] {
    std::uint16_t bits = 0;
    std::memcpy(&bits, raw.data() + i * sizeof(bits), sizeof(bits));
    return bits;
  };
  switch (data_type) {
    case kFloat:
      return raw_value<float>(raw, i);
    case kDouble:
      return raw_value<double>(raw, i);
    case kFloat16:
      return number_text(core::float16_to_float(bits16()));
    case kBFloat16:
      return number_text(core::bfloat16_to_float(bits16()));
    case kInt8:
      return raw_value<std::int8_t>(raw, i);
    case kUInt8:
    case kBool:
      return raw_value<std::uint8_t>(raw, i);
    case 4:
      return raw_value<std::uint16_t>(raw, i);
    case 5:
      return raw_value<std::int16_t>(raw, i);
    case kInt32:
      return raw_value<std::int32_t>(raw, i);
    case kInt64:
      return raw_value<std::int64_t>(raw, i);
    case 12:
      return raw_value<std::uint32_t>(raw, i);
    case 13:
      return raw_value<std::uint64_t>(raw, i);
    default:
      return "";
  }
}

std::string raw_values_text(const TensorProto& tensor, std::size_t elements) {
  const auto type = element_type_info(tensor.data_type);
  const auto raw = tensor.raw_data->bytes;
  if (!type || raw_size(*type, elements) != raw.size()) return "";
  std::string text;
  for (std::size_t i = 0; i < elements; ++i) {
    const std::string value = raw_value_text(tensor.data_type, raw, i);
    if (value.empty()) return "";
    text += (i == 0 ? "" : ", ") + value;
  }
  return text;
}

template <class List>
std::string typed_values_text(const List& list, std::size_t elements) {
  if (list.size() != elements) return "";
  return joined(list, ", ", [](const auto& value) { return number_text(value); });
}

std::string tensor_text(const TensorProto& tensor) {
  std::string text =
      "<Tensor " + element_type_text(tensor.data_type) + core::to_string(tensor.dims);
  const std::string values = values_text(tensor, kShownValues);
  if (!values.empty()) text += " " + values;
  return text + ">";
}

}  // namespace

std::string name_text(std::string_view name) { return core::quote(name, kNameBytes); }

std::string element_type_text(std::int32_t data_type) {
  std::string name = element_type_name(data_type);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

std::string shape_text(const std::vector<Dimension>& shape) {
  if (shape.empty()) return "scalar";
  return joined(shape, "x", [](const Dimension& dimension) {
    if (dimension.value) return std::to_string(*dimension.value);
    return dimension.param.empty() ? std::string("?") : name_text(dimension.param);
  });
}

std::string shape_text(const std::vector<std::int64_t>& dims) {
  if (dims.empty()) return "scalar";
  return joined(dims, "x", [](std::int64_t dim) { return std::to_string(dim); });
}

std::string type_text(const std::optional<TypeProto>& type) {
  if (!type) return "";
  if (type->kind != "tensor" && type->kind != "sparse_tensor") return type->kind;
  const std::string prefix = type->kind == "sparse_tensor" ? "sparse " : "";
  if (!type->shape) return prefix + element_type_text(type->elem_type);
  return prefix + element_type_text(type->elem_type) + ", " + shape_text(*type->shape);
}

std::string values_text(const TensorProto& tensor, std::size_t limit) {
  const auto count = tensor_elements(tensor);
  if (!count || *count > limit || tensor.data_location != 0) return "";
  const auto elements = static_cast<std::size_t>(*count);
  if (tensor.raw_data) return raw_values_text(tensor, elements);
  switch (tensor.data_type) {
    case kFloat:
      return typed_values_text(tensor.float_data, elements);
    case kDouble:
      return typed_values_text(tensor.double_data, elements);
    case kInt64:
      return typed_values_text(tensor.int64_data, elements);
    case kInt32:
    case kInt8:
    case kUInt8:
    case kBool:
      return typed_values_text(tensor.int32_data, elements);
    case kString:
      return joined(tensor.string_data, ", ", string_text);
    default:
      return "";
  }
}

std::string attribute_text(const AttributeProto& attribute) {
  const auto graph_name = [](const GraphProto& graph) {
    return "<graph " + name_text(graph.name) + ">";
  };
  if (!attribute.ref_attr_name.empty()) return "@" + name_text(attribute.ref_attr_name);
  switch (static_cast<AttributeType>(attribute.type)) {
    case AttributeType::kFloat:
      return number_text(attribute.f);
    case AttributeType::kInt:
      return number_text(attribute.i);
    case AttributeType::kString:
      return string_text(attribute.s);
    case AttributeType::kTensor:
    case AttributeType::kTensors:
      return joined(attribute.tensors, ", ", tensor_text);
    case AttributeType::kGraph:
    case AttributeType::kGraphs:
      return joined(attribute.graphs, ", ", graph_name);
    case AttributeType::kFloats:
      return numbers_text(attribute.floats);
    case AttributeType::kInts:
      return numbers_text(attribute.ints);
    case AttributeType::kStrings:
      return "[" + joined(attribute.strings, ", ", string_text) + "]";
    case AttributeType::kSparseTensor:
    case AttributeType::kSparseTensors:
      return "<Sparse Tensor>";
    case AttributeType::kTypeProto:
    case AttributeType::kTypeProtos:
      return "<Type>";
    case AttributeType::kUndefined:
      break;
  }
  return "<Unknown>";
}

}  // namespace wakebuilder::onnx
