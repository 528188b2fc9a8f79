#include "onnx/check_attribute.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

#include "wakebuilder/core/text.h"

#include "onnx/attribute_type.h"
#include "onnx/check_tensor.h"

namespace wakebuilder::onnx {
namespace {

struct AttributeTypeInfo {
  std::string_view name;
  std::uint32_t field;  ///< of AttributeProto that holds the value
  bool needs_value;     ///< false where an absent field means 0, "" or an empty list
};

// Indexed by AttributeProto.AttributeType.
constexpr std::array<AttributeTypeInfo, 15> kTypes = {{
    {"UNDEFINED", 0, false},
    {"FLOAT", 2, false},
    {"INT", 3, false},
    {"STRING", 4, false},
    {"TENSOR", 5, true},
    {"GRAPH", 6, true},
    {"FLOATS", 7, false},
    {"INTS", 8, false},
    {"STRINGS", 9, false},
    {"TENSORS", 10, false},
    {"GRAPHS", 11, false},
    {"SPARSE_TENSOR", 22, true},
    {"SPARSE_TENSORS", 23, false},
    {"TYPE_PROTO", 14, true},
    {"TYPE_PROTOS", 15, false},
}};

constexpr std::uint32_t bit(std::uint32_t field) { return 1U << field; }

/// The fields that hold a value, as bits. A list that is in the file and empty holds none.
std::uint32_t value_fields(const AttributeProto& attribute) {
  constexpr std::uint32_t kSingle =
      bit(2) | bit(3) | bit(4) | bit(5) | bit(6) | bit(14) | bit(15) | bit(22);
  std::uint32_t fields = attribute.present & kSingle;
  const auto is = [&](AttributeType type) {
    return attribute.type == static_cast<std::int32_t>(type);
  };
  const auto holds = [&](std::uint32_t one, bool single, std::uint32_t many, std::size_t size) {
    if (attribute.present == 0 && single && size > 0) fields |= bit(one);
    if (size > ((fields & bit(one)) != 0 ? 1U : 0U)) fields |= bit(many);
  };
  if (attribute.f != 0) fields |= bit(2);
  if (attribute.i != 0) fields |= bit(3);
  if (!attribute.s.empty()) fields |= bit(4);
  holds(5, is(AttributeType::kTensor), 10, attribute.tensors.size());
  holds(6, is(AttributeType::kGraph), 11, attribute.graphs.size());
  holds(22, is(AttributeType::kSparseTensor), 23, attribute.sparse_tensors.size());
  if (!attribute.floats.empty()) fields |= bit(7);
  if (!attribute.ints.empty()) fields |= bit(8);
  if (!attribute.strings.empty()) fields |= bit(9);
  return fields;
}

std::string_view type_of_field(std::uint32_t field) {
  const auto found = std::find_if(kTypes.begin() + 1, kTypes.end(),
                                  [&](const auto& type) { return type.field == field; });
  return found == kTypes.end() ? "?" : found->name;
}

std::string listed(std::uint32_t fields) {
  std::string text;
  for (; fields != 0; fields &= fields - 1) {
    const auto field = static_cast<std::uint32_t>(std::countr_zero(fields));
    text += (text.empty() ? "" : " and ") + std::string(type_of_field(field));
  }
  return text;
}

/// A sentence's end, or "".
std::string complain_about_value(const AttributeProto& attribute) {
  if (attribute.type <= 0 || attribute.type >= static_cast<std::int32_t>(kTypes.size())) {
    return "expected a type from 1 to 14, found " + std::to_string(attribute.type);
  }
  const auto& type = kTypes[static_cast<std::size_t>(attribute.type)];
  const std::uint32_t fields = value_fields(attribute);
  if (!attribute.ref_attr_name.empty()) {
    return fields == 0 ? ""
                       : "refers to an attribute of the function and has a value (" +
                             listed(fields) + ") too";
  }
  if (fields == 0 && type.needs_value)
    return "expected a value of type " + std::string(type.name) + ", found none";
  if (fields == 0 || fields == bit(type.field)) return "";
  return "expected a value of type " + std::string(type.name) + ", found " + listed(fields);
}

bool declares(const FunctionProto& function, const std::string& name) {
  const auto has_name = [&](const AttributeProto& attribute) { return attribute.name == name; };
  return std::find(function.attributes.begin(), function.attributes.end(), name) !=
             function.attributes.end() ||
         std::any_of(function.attribute_defaults.begin(), function.attribute_defaults.end(),
                     has_name);
}

/// A sentence's end, or "".
std::string complain_about_reference(const Surroundings& around, const AttributeProto& attribute) {
  if (attribute.ref_attr_name.empty()) return "";
  const std::string shown = "\"" + core::quote(attribute.ref_attr_name) + "\"";
  if (around.function == nullptr)
    return "refers to the attribute " + shown + " of a function, outside of one";
  if (declares(*around.function, attribute.ref_attr_name)) return "";
  return "refers to the attribute " + shown + ", which the function does not declare";
}

}  // namespace

void check_attribute(CheckContext& context, const Surroundings& around, const std::string& where,
                     const AttributeProto& attribute) {
  const std::string subject = named("attribute", attribute.name);
  if (attribute.name.empty()) context.findings.error(where, "has an attribute without a name");
  for (const std::string& complaint :
       {complain_about_value(attribute), complain_about_reference(around, attribute)}) {
    if (!complaint.empty()) context.findings.error(where, subject + ": " + complaint);
  }
  for (const TensorProto& tensor : attribute.tensors)
    check_tensor(context, where + ", " + subject, tensor);
  for (const SparseTensorProto& tensor : attribute.sparse_tensors) {
    check_sparse_tensor(context, where + ", " + subject, tensor);
  }
}

}  // namespace wakebuilder::onnx
