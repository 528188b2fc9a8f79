// Models for the tests of the onnx module.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "wakebuilder/core/finding.h"
#include "wakebuilder/onnx/read.h"

namespace wakebuilder::test {

inline std::filesystem::path onnx_data(const std::string& name) {
  return std::filesystem::path(WAKEBUILDER_TEST_DATA) / "onnx" / name;
}

inline std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Reads a model from a copy of the bytes that the model keeps alive.
inline Result<onnx::ModelProto> parse(std::string bytes) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  return onnx::parse_model(std::as_bytes(std::span(*owner)), owner);
}

/// Raw data of a tensor.
template <class T>
onnx::Blob blob(std::vector<T> values) {
  auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return {std::as_bytes(std::span(*owner)), owner};
}

inline onnx::TensorProto float_tensor(const std::string& name, std::vector<std::int64_t> dims,
                                      std::vector<float> values) {
  onnx::TensorProto tensor;
  tensor.name = name;
  tensor.data_type = onnx::kFloat;
  tensor.dims = std::move(dims);
  tensor.raw_data = blob(std::move(values));
  return tensor;
}

/// A float value; a dimension of -1 is "batch".
inline onnx::ValueInfoProto float_value(const std::string& name,
                                        const std::vector<std::int64_t>& dims) {
  onnx::TypeProto type;
  type.elem_type = onnx::kFloat;
  type.shape.emplace();
  for (const std::int64_t dim : dims) {
    onnx::Dimension dimension;
    if (dim < 0) {
      dimension.param = "batch";
    } else {
      dimension.value = dim;
    }
    type.shape->push_back(dimension);
  }
  onnx::ValueInfoProto value;
  value.name = name;
  value.type = type;
  return value;
}

inline onnx::NodeProto node(const std::string& op_type, std::vector<std::string> inputs,
                            std::vector<std::string> outputs, const std::string& name = "") {
  onnx::NodeProto made;
  made.op_type = op_type;
  made.inputs = std::move(inputs);
  made.outputs = std::move(outputs);
  made.name = name;
  return made;
}

inline onnx::AttributeProto int_attribute(const std::string& name, std::int64_t value) {
  onnx::AttributeProto attribute;
  attribute.name = name;
  attribute.type = 2;
  attribute.i = value;
  return attribute;
}

inline onnx::AttributeProto graph_attribute(const std::string& name, onnx::GraphProto graph) {
  onnx::AttributeProto attribute;
  attribute.name = name;
  attribute.type = 5;
  attribute.graphs.push_back(std::move(graph));
  return attribute;
}

/// Y[batch, 2] = Relu(X[batch, 4] W + B), the twin of minimal_gemm.onnx.
inline onnx::ModelProto small_model() {
  onnx::GraphProto graph;
  graph.name = "small";
  graph.inputs = {float_value("X", {-1, 4})};
  graph.outputs = {float_value("Y", {-1, 2})};
  graph.initializers = {float_tensor("W", {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}),
                        float_tensor("B", {2}, {0.5F, -0.5F})};
  graph.nodes = {node("Gemm", {"X", "W", "B"}, {"H"}, "dense"), node("Relu", {"H"}, {"Y"}, "relu")};
  onnx::ModelProto model;
  model.ir_version = 8;
  model.opset_imports = {{"", 17}};
  model.graph = std::move(graph);
  return model;
}

/// The findings, one a line: "node \"relu\" (Relu): reads ...".
inline std::string text_of(const std::vector<core::Finding>& findings) {
  std::string text;
  for (const core::Finding& finding : findings)
    text += finding.where + ": " + finding.message + "\n";
  return text;
}

}  // namespace wakebuilder::test
