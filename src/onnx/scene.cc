#include "onnx/scene.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "wakebuilder/core/text.h"

#include "onnx/text_form.h"

namespace wakebuilder::onnx {
namespace {

constexpr std::size_t kMaxWeightLines = 6;
constexpr std::size_t kMaxAttributeLines = 4;
constexpr std::size_t kLineBytes = 36;
constexpr std::size_t kTitleBytes = 30;

struct Kind {
  BoxKind kind;
  std::string_view operators;  ///< each between spaces
};

constexpr std::array kKinds = {
    Kind{BoxKind::kLayer,
         " Conv ConvInteger ConvTranspose Einsum GRU Gemm LSTM MatMul MatMulInteger QLinearConv "
         "QLinearMatMul RNN "
         "Attention DFT STFT "},
    Kind{BoxKind::kActivation,
         " Celu Clip Elu Erf Gelu HardSigmoid HardSwish LeakyRelu LogSoftmax Mish PRelu Relu Selu "
         "Sigmoid Softmax "
         "Softplus Softsign Swish Tanh ThresholdedRelu "},
    Kind{BoxKind::kNormalisation,
         " BatchNormalization GroupNormalization InstanceNormalization LayerNormalization "
         "LpNormalization "
         "LRN MeanVarianceNormalization RMSNormalization Dropout "},
    Kind{BoxKind::kShape,
         " Cast CastLike Concat Constant ConstantOfShape DepthToSpace Expand Flatten Gather "
         "GatherElements GatherND "
         "Identity Pad Reshape Scatter ScatterElements ScatterND Shape Size Slice SpaceToDepth "
         "Split Squeeze "
         "Tile Transpose Unsqueeze Range Where "},
    Kind{BoxKind::kArithmetic,
         " Abs Add And Ceil Cos Div Equal Exp Floor Greater GreaterOrEqual Less LessOrEqual Log "
         "Max Mean Min Mod Mul "
         "Neg Not Or Pow Reciprocal Round Sign Sin Sqrt Sub Sum Xor "},
    Kind{BoxKind::kReduction,
         " ArgMax ArgMin AveragePool CumSum GlobalAveragePool GlobalMaxPool LpPool MaxPool "
         "ReduceL1 ReduceL2 "
         "ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
         "ReduceSumSquare "
         "TopK "},
    Kind{BoxKind::kQuantisation, " DequantizeLinear DynamicQuantizeLinear QuantizeLinear "},
    Kind{BoxKind::kControl, " If Loop Scan "},
};

bool is_default_domain(const NodeProto& node) {
  return node.domain.empty() || node.domain == "ai.onnx";
}

BoxKind kind_of(const NodeProto& node) {
  if (!is_default_domain(node)) return BoxKind::kOther;
  const std::string word = " " + node.op_type + " ";
  const auto found = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& kind) {
    return kind.operators.find(word) != std::string_view::npos;
  });
  return found == kKinds.end() ? BoxKind::kOther : found->kind;
}

/// The end of a name, which tells more than its beginning.
std::string tail(std::string_view name, std::size_t bytes) {
  if (name.size() <= bytes) return core::escape(name);
  std::size_t start = name.size() - bytes;
  while (start < name.size() && (static_cast<std::uint8_t>(name[start]) & 0xc0U) == 0x80U) ++start;
  return "…" + core::escape(name.substr(start));
}

std::string head(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end) + "…";
}

/// "/attention/norm/Add" is {"attention", "norm"}; "se_block/Mul" is {"se_block", ""}; "relu" is
/// {"", "relu"}.
std::pair<std::string_view, std::string_view> scope_and_name(const NodeProto& node) {
  std::string_view path = node.name;
  while (path.starts_with('/')) path.remove_prefix(1);
  std::string_view scope;
  if (const auto slash = path.find('/'); slash != std::string_view::npos) {
    scope = path.substr(0, slash);
    path.remove_prefix(slash + 1);
  }
  const auto slash = path.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? path : path.substr(slash + 1);
  if (last.starts_with(node.op_type))
    path = slash == std::string_view::npos ? "" : path.substr(0, slash);
  return {scope, path};
}

std::string dims_text(const std::vector<std::int64_t>& dims) {
  std::string text;
  for (const std::int64_t dim : dims) {
    text += (text.empty() ? "" : "×") + std::to_string(dim);
    if (text.size() > kLineBytes) return text + "…";
  }
  return text;
}

std::string dims_text(const std::vector<Dimension>& dims) {
  std::string text;
  for (const Dimension& dim : dims) {
    const std::string name = dim.param.empty() ? "?" : core::quote(dim.param, 20);
    text += (text.empty() ? "" : "×") + (dim.value ? std::to_string(*dim.value) : name);
    if (text.size() > kLineBytes) return text + "…";
  }
  return text.empty() ? "scalar" : text;
}

/// "weight" of "classifier.4.weight": the node has the rest in its name.
std::string_view last_part(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos || dot + 1 == name.size() ? name : name.substr(dot + 1);
}

std::string weight_line(std::string_view name, const TensorProto& tensor) {
  const std::string values = values_text(tensor, 4);
  const std::string shown = tail(last_part(name), 20);
  if (!values.empty()) {
    return head(
        (shown.empty() ? "" : shown + " = ") + (tensor.dims.empty() ? values : "[" + values + "]"),
        kLineBytes);
  }
  return (shown.empty() ? "" : shown + " ") + "⟨" + dims_text(tensor.dims) + "⟩";
}

/// What exporters write although it is the default.
bool is_default(const AttributeProto& attribute) {
  const std::string text = attribute.name + "=" + attribute_text(attribute);
  constexpr std::array<std::string_view, 13> kDefaults = {
      "alpha=1",      "beta=1",        "transA=0",           "transB=0",    "allowzero=0",
      "group=1",      "dilations=[1]", "dilations=[1, 1]",   "strides=[1]", "strides=[1, 1]",
      "stash_type=1", "start=0",       "auto_pad=\"NOTSET\""};
  return std::find(kDefaults.begin(), kDefaults.end(), text) != kDefaults.end();
}

std::string value_label(const TypeProto& type) {
  if (!type.shape) return "";
  std::string label = dims_text(*type.shape);
  if (type.elem_type != kFloat && type.elem_type != kUndefined)
    label += " " + element_type_name(type.elem_type);
  return label;
}

class SceneMaker {
 public:
  SceneMaker(const GraphProto& graph, std::span<const ValueInfoProto> types) : graph_(graph) {
    for (const ValueInfoProto& value : types) note_type(value);
    for (const auto* list : {&graph.value_infos, &graph.outputs, &graph.inputs}) {
      for (const ValueInfoProto& value : *list) note_type(value);
    }
    for (const TensorProto& tensor : graph.initializers) tensors_[tensor.name] = &tensor;
  }

  Scene make() {
    title();
    for (const ValueInfoProto& input : graph_.inputs) add_input(input);
    note_constants();
    for (const NodeProto& node : graph_.nodes) add_node(node);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      connect_node(graph_.nodes[i], box_of_node_[i]);
    for (const ValueInfoProto& output : graph_.outputs) add_output(output);
    return std::move(scene_);
  }

 private:
  static constexpr std::size_t kNotDrawn = static_cast<std::size_t>(-1);

  void title() {
    scene_.title = core::quote(graph_.name, 80);
    scene_.subtitle = std::to_string(graph_.nodes.size()) +
                      (graph_.nodes.size() == 1 ? " node, " : " nodes, ") +
                      std::to_string(graph_.initializers.size()) +
                      (graph_.initializers.size() == 1 ? " weight" : " weights");
  }

  void note_type(const ValueInfoProto& value) {
    if (!value.type) return;
    std::string label = value_label(*value.type);
    if (!label.empty()) labels_[value.name] = std::move(label);
  }

  void add_input(const ValueInfoProto& input) {
    if (tensors_.contains(input.name)) return;
    writers_[input.name] = scene_.boxes.size();
    add_pill(BoxKind::kInput, input);
  }

  void add_output(const ValueInfoProto& output) {
    const std::size_t box = scene_.boxes.size();
    add_pill(BoxKind::kOutput, output);
    if (const auto tensor = tensors_.find(output.name); tensor != tensors_.end()) {
      scene_.boxes[box].lines.push_back(weight_line("", *tensor->second));
    }
    connect(output.name, box);
  }

  void add_pill(BoxKind kind, const ValueInfoProto& value) {
    SceneBox box;
    box.kind = kind;
    box.title = tail(value.name, kTitleBytes);
    box.tooltip = core::quote(value.name, 400);
    if (value.type) box.lines.push_back(head(type_text(value.type), kLineBytes));
    scene_.boxes.push_back(std::move(box));
  }

  // A Constant is drawn where it is read, unless nothing draws it otherwise.
  void note_constants() {
    std::unordered_set<std::string_view> outputs;
    for (const ValueInfoProto& output : graph_.outputs) outputs.insert(output.name);
    for (const NodeProto& node : graph_.nodes) {
      if (node.op_type != "Constant" || !is_default_domain(node) || node.outputs.size() != 1)
        continue;
      if (node.attributes.size() != 1 || node.attributes.front().tensors.size() != 1) continue;
      if (outputs.contains(node.outputs.front())) continue;
      tensors_[node.outputs.front()] = &node.attributes.front().tensors.front();
      constants_.insert(&node);
    }
  }

  void add_node(const NodeProto& node) {
    box_of_node_.push_back(constants_.contains(&node) ? kNotDrawn : scene_.boxes.size());
    if (constants_.contains(&node)) return;
    for (const std::string& output : node.outputs) writers_[output] = scene_.boxes.size();
    const auto [scope, name] = scope_and_name(node);
    SceneBox box;
    box.kind = kind_of(node);
    box.title = head(core::escape(node.op_type), kTitleBytes);
    box.name = tail(name, kTitleBytes);
    box.tooltip = core::quote(node.name, 400);
    box.scope = core::quote(scope, 60);
    add_weight_lines(box, node);
    add_attribute_lines(box, node);
    scene_.boxes.push_back(std::move(box));
  }

  void add_weight_lines(SceneBox& box, const NodeProto& node) {
    std::size_t shown = 0;
    for (const std::string& input : node.inputs) {
      const auto tensor = tensors_.find(input);
      if (tensor == tensors_.end()) continue;
      if (++shown > kMaxWeightLines) {
        box.lines.emplace_back("…");
        return;
      }
      // The names of constants are made up by exporters and tell nothing.
      const bool named = tensor->second->name == input && !input.empty();
      box.lines.push_back(
          weight_line(named ? std::string_view(input) : std::string_view(), *tensor->second));
    }
  }

  static void add_attribute_lines(SceneBox& box, const NodeProto& node) {
    std::size_t shown = 0;
    for (const AttributeProto& attribute : node.attributes) {
      if (is_default(attribute)) continue;
      if (++shown > kMaxAttributeLines) {
        box.lines.emplace_back("…");
        return;
      }
      box.lines.push_back(
          head(core::quote(attribute.name, 20) + ": " + attribute_text(attribute), kLineBytes));
    }
  }

  void connect_node(const NodeProto& node, std::size_t box) {
    if (box == kNotDrawn) return;
    std::unordered_set<std::string_view> seen;
    connect_reads(node, box, seen);
  }

  /// Also what subgraphs read from outside.
  void connect_reads(const NodeProto& node, std::size_t box,
                     std::unordered_set<std::string_view>& seen) {
    for (const std::string& input : node.inputs) {
      if (!input.empty() && seen.insert(input).second) connect(input, box);
    }
    for (const AttributeProto& attribute : node.attributes) {
      for (const GraphProto& graph : attribute.graphs) {
        for (const NodeProto& inner : graph.nodes) connect_reads(inner, box, seen);
      }
    }
  }

  void connect(const std::string& value, std::size_t to) {
    const auto from = writers_.find(value);
    if (from == writers_.end()) return;
    const auto label = labels_.find(value);
    scene_.edges.push_back(
        {from->second, to, label == labels_.end() ? "" : label->second, core::quote(value, 400)});
  }

  const GraphProto& graph_;
  Scene scene_;
  std::unordered_map<std::string_view, std::string> labels_;
  std::unordered_map<std::string_view, const TensorProto*> tensors_;
  std::unordered_map<std::string_view, std::size_t> writers_;
  std::unordered_set<const NodeProto*> constants_;
  std::vector<std::size_t> box_of_node_;
};

}  // namespace

Scene scene_of(const GraphProto& graph, std::span<const ValueInfoProto> types) {
  return SceneMaker(graph, types).make();
}

}  // namespace wakebuilder::onnx
