// Small parts of a model as escaped text, for the printer and the drawing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// A name, escaped and cut.
std::string name_text(std::string_view name);

/// "FLOAT": ONNX's constant of an element type.
std::string element_type_text(std::int32_t data_type);

/// "batchx4", "scalar" without dimensions, "?" for one that is unknown.
std::string shape_text(const std::vector<Dimension>& shape);
std::string shape_text(const std::vector<std::int64_t>& dims);

/// "FLOAT, batchx4"; "" without a type.
std::string type_text(const std::optional<TypeProto>& type);

/// "1, 2": the values of a tensor of at most `limit` elements whose data lies in the file; "" for
/// others and for element types below 8 bits.
std::string values_text(const TensorProto& tensor, std::size_t limit);

/// "[1, 0, 2]", "<Tensor>", "<graph yes>", ...: the value of an attribute.
std::string attribute_text(const AttributeProto& attribute);

}  // namespace wakebuilder::onnx
