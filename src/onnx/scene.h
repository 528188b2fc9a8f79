// What a drawing of a graph shows: boxes with a few lines of text, and the values between them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// Kinds of boxes; each has a colour.
enum class BoxKind {
  kInput,
  kOutput,
  kLayer,  ///< products with weights: Gemm, MatMul, Conv
  kActivation,
  kNormalisation,
  kShape,  ///< moves or names elements: Reshape, Concat, Cast
  kArithmetic,
  kReduction,
  kQuantisation,
  kControl,
  kOther,  ///< also every operator of another domain
};

struct SceneBox {
  BoxKind kind = BoxKind::kOther;
  std::string title;  ///< operator, or name of the input or output; escaped, as all texts here
  std::string name;   ///< of the node, without its scope
  std::vector<std::string> lines;  ///< weights, then attributes
  std::string tooltip;
  std::string scope;  ///< "" for none
};

struct SceneEdge {
  std::size_t from = 0;
  std::size_t to = 0;
  std::string label;    ///< shape; "" where unknown
  std::string tooltip;  ///< name of the value
};

struct Scene {
  std::string title;
  std::string subtitle;
  std::vector<SceneBox> boxes;
  std::vector<SceneEdge> edges;
};

/// @param types  of values, besides what the graph states
Scene scene_of(const GraphProto& graph, std::span<const ValueInfoProto> types);

}  // namespace wakebuilder::onnx
