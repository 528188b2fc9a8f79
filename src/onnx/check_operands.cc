#include "onnx/check_operands.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "wakebuilder/core/text.h"

namespace wakebuilder::onnx {
namespace {

using Dim = std::optional<std::int64_t>;  ///< nothing: not known as a number

/// What is known of an input of a node.
struct Operand {
  std::string name;
  std::int32_t elem_type = kUndefined;
  std::optional<std::vector<Dim>> shape{};

  std::size_t rank() const { return shape ? shape->size() : 0; }

  /// Dimension `i`, from the end where negative. Nothing where there is none.
  Dim dim(int i) const {
    const int size = static_cast<int>(rank());
    const int place = i < 0 ? size + i : i;
    return place >= 0 && place < size ? (*shape)[static_cast<std::size_t>(place)] : Dim();
  }
};

std::string to_text(const Operand& operand) {
  std::string text = "\"" + core::quote(operand.name) + "\" [";
  for (std::size_t i = 0; i < operand.rank(); ++i) {
    const Dim dim = (*operand.shape)[i];
    text += (i == 0 ? "" : ", ") + (dim ? std::to_string(*dim) : "?");
  }
  return text + "]";
}

bool differ(Dim a, Dim b) { return a && b && *a != *b; }

/// Neither is the other, nor 1.
bool do_not_broadcast(Dim a, Dim b) { return differ(a, b) && *a != 1 && *b != 1; }

std::int64_t integer_attribute(const NodeProto& node, std::string_view name,
                               std::int64_t otherwise) {
  const auto found =
      std::find_if(node.attributes.begin(), node.attributes.end(),
                   [&](const AttributeProto& attribute) { return attribute.name == name; });
  return found == node.attributes.end() ? otherwise : found->i;
}

class OperandCheck {
 public:
  OperandCheck(FindingList& findings, const GraphProto& graph,
               std::span<const ValueInfoProto> types)
      : findings_(findings), graph_(graph) {
    for (const ValueInfoProto& value : types) note(value);
    for (const auto* list : {&graph.value_infos, &graph.outputs, &graph.inputs}) {
      for (const ValueInfoProto& value : *list) note(value);
    }
    for (const TensorProto& tensor : graph.initializers) {
      known_[tensor.name] = {tensor.name, tensor.data_type,
                             std::vector<Dim>(tensor.dims.begin(), tensor.dims.end())};
    }
  }

  void run() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const NodeProto& node = graph_.nodes[i];
      if (!canonical_domain(node.domain).empty()) continue;
      where_ = &node;
      index_ = i;
      check(node);
    }
  }

 private:
  void note(const ValueInfoProto& value) {
    if (!value.type || value.type->kind != "tensor") return;
    Operand operand{value.name, value.type->elem_type};
    if (value.type->shape) {
      operand.shape.emplace();
      for (const Dimension& dim : *value.type->shape) operand.shape->push_back(dim.value);
    }
    known_[value.name] = std::move(operand);
  }

  Operand operand(std::size_t i) const {
    if (i >= where_->inputs.size()) return {};
    const auto found = known_.find(where_->inputs[i]);
    return found == known_.end() ? Operand{where_->inputs[i]} : found->second;
  }

  void complain(const std::string& message) {
    findings_.error(node_label(*where_, index_), message);
  }

  void check(const NodeProto& node) {
    constexpr std::array<std::string_view, 4> kElementwise = {"Add", "Sub", "Mul", "Div"};
    if (node.op_type == "Gemm") check_gemm();
    if (node.op_type == "MatMul") check_matmul();
    if (node.op_type == "Conv") check_conv();
    if (std::find(kElementwise.begin(), kElementwise.end(), node.op_type) != kElementwise.end())
      check_elementwise();
  }

  void check_same_type() {
    const Operand first = operand(0);
    for (std::size_t i = 1; i < where_->inputs.size(); ++i) {
      const Operand other = operand(i);
      if (first.elem_type == kUndefined || other.elem_type == kUndefined ||
          first.elem_type == other.elem_type)
        continue;
      complain("expected operands of one type, found " + element_type_name(first.elem_type) +
               " \"" + core::quote(first.name) + "\" and " + element_type_name(other.elem_type) +
               " \"" + core::quote(other.name) + "\"");
    }
  }

  void check_inner(const Operand& a, Dim a_inner, const Operand& b, Dim b_inner) {
    if (differ(a_inner, b_inner)) {
      complain("expected equal inner dimensions, found " + std::to_string(*a_inner) + " and " +
               std::to_string(*b_inner) + " in " + to_text(a) + " and " + to_text(b));
    }
  }

  void check_gemm() {
    check_same_type();
    const Operand a = operand(0);
    const Operand b = operand(1);
    for (const Operand& matrix : {a, b}) {
      if (matrix.shape && matrix.rank() != 2)
        complain("expected a matrix, found " + to_text(matrix));
    }
    const bool trans_a = integer_attribute(*where_, "transA", 0) != 0;
    const bool trans_b = integer_attribute(*where_, "transB", 0) != 0;
    if (a.rank() == 2 && b.rank() == 2)
      check_inner(a, a.dim(trans_a ? 0 : 1), b, b.dim(trans_b ? 1 : 0));
    check_bias(operand(2), a.dim(trans_a ? 1 : 0), b.dim(trans_b ? 0 : 1));
  }

  /// C of a Gemm stretches to the product, which does not stretch.
  void check_bias(const Operand& c, Dim rows, Dim columns) {
    const bool fits = c.rank() <= 2 && !(differ(c.dim(-1), columns) && c.dim(-1) != 1) &&
                      !(differ(c.dim(-2), rows) && c.dim(-2) != 1);
    if (fits) return;
    complain("expected a bias that stretches to [" + (rows ? std::to_string(*rows) : "?") + ", " +
             (columns ? std::to_string(*columns) : "?") + "], found " + to_text(c));
  }

  void check_matmul() {
    check_same_type();
    const Operand a = operand(0);
    const Operand b = operand(1);
    if (a.rank() == 0 || b.rank() == 0) return;
    check_inner(a, a.dim(-1), b, b.dim(b.rank() == 1 ? 0 : -2));
  }

  void check_conv() {
    check_same_type();
    const Operand x = operand(0);
    const Operand w = operand(1);
    if (x.shape && w.shape && x.rank() != w.rank()) {
      return complain("expected input and weight of one rank, found " + to_text(x) + " and " +
                      to_text(w));
    }
    const std::int64_t group = integer_attribute(*where_, "group", 1);
    const Dim channels = w.dim(1) && *w.dim(1) < (std::int64_t{1} << 31) && group > 0 &&
                                 group < (std::int64_t{1} << 31)
                             ? Dim(*w.dim(1) * group)
                             : Dim();
    if (differ(x.dim(1), channels)) {
      complain("expected " + std::to_string(*channels) + " channels for the weight " + to_text(w) +
               " in " + std::to_string(group) + " groups, found " + to_text(x));
    }
    if (differ(operand(2).dim(0), w.dim(0))) {
      complain("expected a bias of " + std::to_string(*w.dim(0)) + " values, found " +
               to_text(operand(2)));
    }
  }

  void check_elementwise() {
    check_same_type();
    const Operand a = operand(0);
    const Operand b = operand(1);
    for (int i = 1; i <= static_cast<int>(std::min(a.rank(), b.rank())); ++i) {
      if (!do_not_broadcast(a.dim(-i), b.dim(-i))) continue;
      return complain("expected shapes that stretch to each other, found " + to_text(a) + " and " +
                      to_text(b));
    }
  }

  FindingList& findings_;
  const GraphProto& graph_;
  std::unordered_map<std::string_view, Operand> known_;
  const NodeProto* where_ = nullptr;
  std::size_t index_ = 0;
};

}  // namespace

void check_operands(FindingList& findings, const GraphProto& graph,
                    std::span<const ValueInfoProto> types) {
  OperandCheck(findings, graph, types).run();
}

}  // namespace wakebuilder::onnx
