// The element types of ONNX tensors: names, sizes, and where a tensor without raw_data keeps them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wakebuilder::onnx {

/// The typed data field of TensorProto that holds values of an element type.
enum class DataField { kFloat, kInt32, kString, kInt64, kDouble, kUInt64 };

/// "float_data", ...
std::string_view to_string(DataField field);

struct ElementTypeInfo {
  std::string_view name;
  int bits;  ///< of one element in raw_data; 0 for strings
  DataField field;
  /// Entries of the typed field for `elements` elements are ceil(elements * entries / per_entry).
  std::uint8_t entries = 1;    ///< 2 for complex numbers
  std::uint8_t per_entry = 1;  ///< 2 for 4-bit types, 4 for 2-bit types
};

/// Facts about a TensorProto.DataType; nothing for 0 (undefined) and unknown numbers.
std::optional<ElementTypeInfo> element_type_info(std::int32_t data_type);

}  // namespace wakebuilder::onnx
