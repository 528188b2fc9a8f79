// An ONNX model as plain data: the messages of onnx.proto that matter, field by field.
//
// Names and meaning are those of the ONNX specification (onnx/onnx.proto, "Open Neural Network
// Exchange"); enumerations are kept as the integers of the file, so that a damaged or newer model
// can be shown and judged instead of being lost. Weights stay where they are: a Blob looks into the
// mapped file or into the checkpoint and shares its ownership.
//
// What a message of a file has beyond these fields (metadata of nodes, sequence types, fields of
// newer versions) is kept as it was, in wire form, in `other_fields`, and written again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wakebuilder/core/dtype.h"
#include "wakebuilder/core/tensor.h"

namespace wakebuilder::onnx {

/// Bytes with a shared owner.
struct Blob {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// TensorProto.DataType, as far as this library makes tensors of it; see element_type_name() for
/// all.
enum ElementType : std::int32_t {
  kUndefined = 0,
  kFloat = 1,
  kUInt8 = 2,
  kInt8 = 3,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kBFloat16 = 16,
};

/// "float", "int64", "float8e4m3fn", ...: the name in ONNX's text form; "type 999" for an unknown
/// number.
std::string element_type_name(std::int32_t data_type);

/// Bits of one element, packed (4 for int4); nothing for strings, undefined and unknown types.
std::optional<int> element_bits(std::int32_t data_type);

/// core's dtype as ONNX's number; kUndefined where ONNX has none.
std::int32_t element_type_of(core::DType dtype);

/// TensorProto. In a sound file exactly one of the data fields, or external_data, is filled.
struct TensorProto {
  std::string name;
  std::int32_t data_type = kUndefined;
  std::vector<std::int64_t> dims;
  std::optional<Blob> raw_data;
  std::vector<float> float_data;
  std::vector<std::int32_t> int32_data;
  std::vector<std::string> string_data;
  std::vector<std::int64_t> int64_data;
  std::vector<double> double_data;
  std::vector<std::uint64_t> uint64_data;
  std::int32_t data_location = 0;  ///< 1 = EXTERNAL
  std::vector<std::pair<std::string, std::string>>
      external_data;  ///< location, offset, length, ...
  std::string doc_string;
  std::string other_fields;  ///< see above
};

/// SparseTensorProto.
struct SparseTensorProto {
  TensorProto values;
  TensorProto indices;
  std::vector<std::int64_t> dims;
};

/// TensorShapeProto.Dimension: a number, a name ("batch"), or neither (unknown).
struct Dimension {
  std::optional<std::int64_t> value;
  std::string param;
};

/// TypeProto of a tensor. Sequences, maps and optionals keep only `kind`.
struct TypeProto {
  std::string kind =
      "tensor";  ///< "tensor", "sparse_tensor", "sequence", "map", "optional", "" = none
  std::int32_t elem_type = kUndefined;
  std::optional<std::vector<Dimension>> shape;  ///< nothing: rank unknown
  std::string other_fields;                     ///< see above
};

struct ValueInfoProto {
  std::string name;
  std::optional<TypeProto> type;
  std::string doc_string;
  std::string other_fields;  ///< see above
};

struct GraphProto;

/// AttributeProto.
struct AttributeProto {
  std::string name;
  std::int32_t type = 0;  ///< AttributeProto.AttributeType: 1 FLOAT, 2 INT, 3 STRING, 4 TENSOR, 5
                          ///< GRAPH, 6 FLOATS, 7 INTS, ...
  float f = 0;
  std::int64_t i = 0;
  std::string s;
  std::vector<TensorProto> tensors;  ///< t or tensors
  std::vector<GraphProto> graphs;    ///< g or graphs
  std::vector<SparseTensorProto> sparse_tensors;
  std::vector<float> floats;
  std::vector<std::int64_t> ints;
  std::vector<std::string> strings;
  std::string ref_attr_name;
  std::string doc_string;
  std::string other_fields;   ///< see above; the type_proto attributes are here
  std::uint32_t present = 0;  ///< bit n: the file had field n of AttributeProto; 0 when made here
};

struct NodeProto {
  std::string name;
  std::string op_type;
  std::string domain;
  std::string overload;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<AttributeProto> attributes;
  std::string doc_string;
  std::string other_fields;  ///< see above
};

struct GraphProto {
  std::string name;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::vector<SparseTensorProto> sparse_initializers;
  std::vector<ValueInfoProto> inputs;
  std::vector<ValueInfoProto> outputs;
  std::vector<ValueInfoProto> value_infos;
  std::string doc_string;
  std::string other_fields;  ///< see above
};

/// FunctionProto: a function of the model itself.
struct FunctionProto {
  std::string name;
  std::string domain;
  std::string overload;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::string> attributes;
  std::vector<AttributeProto> attribute_defaults;
  std::vector<NodeProto> nodes;
  std::vector<std::pair<std::string, std::int64_t>> opset_imports;
  std::string doc_string;
  std::string other_fields;  ///< see above
};

struct ModelProto {
  std::int64_t ir_version = 0;
  std::vector<std::pair<std::string, std::int64_t>>
      opset_imports;  ///< domain ("" = ai.onnx), version
  std::string producer_name;
  std::string producer_version;
  std::string domain;
  std::int64_t model_version = 0;
  std::string doc_string;
  std::optional<GraphProto> graph;
  std::vector<std::pair<std::string, std::string>> metadata_props;
  std::vector<FunctionProto> functions;
  std::string other_fields;  ///< see above

  /// The version of the default domain ("" or "ai.onnx"); nothing when it is not imported.
  std::optional<std::int64_t> opset() const;

  /// A metadata property by its key, or null.
  const std::string* metadata(std::string_view key) const;

  /// True when the metadata has this value for this key.
  bool says(std::string_view key, std::string_view value) const;
};

/// The newest opset of ai.onnx that this library knows by number (ONNX 1.23: 26).
inline constexpr std::int64_t kNewestOpset = 26;

/// The newest IR version that this library knows (ONNX 1.23: 14).
inline constexpr std::int64_t kNewestIrVersion = 14;

}  // namespace wakebuilder::onnx
