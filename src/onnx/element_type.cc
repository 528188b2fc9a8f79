#include "onnx/element_type.h"

#include <array>
#include <string>

#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {
namespace {

// Indexed by TensorProto.DataType (onnx.proto of ONNX 1.23, IR version 14).
constexpr std::array<ElementTypeInfo, 29> kElementTypes = {{
    {"undefined", 0, DataField::kFloat},
    {"float", 32, DataField::kFloat},
    {"uint8", 8, DataField::kInt32},
    {"int8", 8, DataField::kInt32},
    {"uint16", 16, DataField::kInt32},
    {"int16", 16, DataField::kInt32},
    {"int32", 32, DataField::kInt32},
    {"int64", 64, DataField::kInt64},
    {"string", 0, DataField::kString},
    {"bool", 8, DataField::kInt32},
    {"float16", 16, DataField::kInt32},
    {"double", 64, DataField::kDouble},
    {"uint32", 32, DataField::kUInt64},
    {"uint64", 64, DataField::kUInt64},
    {"complex64", 64, DataField::kFloat, 2, 1},
    {"complex128", 128, DataField::kDouble, 2, 1},
    {"bfloat16", 16, DataField::kInt32},
    {"float8e4m3fn", 8, DataField::kInt32},
    {"float8e4m3fnuz", 8, DataField::kInt32},
    {"float8e5m2", 8, DataField::kInt32},
    {"float8e5m2fnuz", 8, DataField::kInt32},
    {"uint4", 4, DataField::kInt32, 1, 2},
    {"int4", 4, DataField::kInt32, 1, 2},
    {"float4e2m1", 4, DataField::kInt32, 1, 2},
    {"float8e8m0", 8, DataField::kInt32},
    {"uint2", 2, DataField::kInt32, 1, 4},
    {"int2", 2, DataField::kInt32, 1, 4},
    {"float6e2m3", 6, DataField::kInt32},
    {"float6e3m2", 6, DataField::kInt32},
}};

}  // namespace

std::string_view to_string(DataField field) {
  switch (field) {
    case DataField::kFloat:
      return "float_data";
    case DataField::kInt32:
      return "int32_data";
    case DataField::kString:
      return "string_data";
    case DataField::kInt64:
      return "int64_data";
    case DataField::kDouble:
      return "double_data";
    case DataField::kUInt64:
      return "uint64_data";
  }
  return "data";
}

std::optional<ElementTypeInfo> element_type_info(std::int32_t data_type) {
  if (data_type <= kUndefined || data_type >= static_cast<std::int32_t>(kElementTypes.size())) {
    return std::nullopt;
  }
  return kElementTypes[static_cast<std::size_t>(data_type)];
}

std::string element_type_name(std::int32_t data_type) {
  if (data_type == kUndefined) return "undefined";
  const auto info = element_type_info(data_type);
  return info ? std::string(info->name) : "type " + std::to_string(data_type);
}

std::optional<int> element_bits(std::int32_t data_type) {
  const auto info = element_type_info(data_type);
  if (!info || info->bits == 0) return std::nullopt;
  return info->bits;
}

std::int32_t element_type_of(core::DType dtype) {
  switch (dtype) {
    case core::DType::kFloat32:
      return kFloat;
    case core::DType::kFloat64:
      return kDouble;
    case core::DType::kFloat16:
      return kFloat16;
    case core::DType::kBFloat16:
      return kBFloat16;
    case core::DType::kFloat8E4M3Fn:
      return 17;
    case core::DType::kFloat8E5M2:
      return 19;
    case core::DType::kInt8:
      return kInt8;
    case core::DType::kInt16:
      return 5;
    case core::DType::kInt32:
      return kInt32;
    case core::DType::kInt64:
      return kInt64;
    case core::DType::kUInt8:
      return kUInt8;
    case core::DType::kUInt16:
      return 4;
    case core::DType::kUInt32:
      return 12;
    case core::DType::kUInt64:
      return 13;
    case core::DType::kBool:
      return kBool;
    case core::DType::kComplex64:
      return 14;
    case core::DType::kComplex128:
      return 15;
  }
  return kUndefined;
}

}  // namespace wakebuilder::onnx
