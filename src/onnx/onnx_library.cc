#include "onnx/onnx_library.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <string_view>

#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include "wakebuilder/core/text.h"
#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/onnx/write.h"

#include "onnx/check_context.h"
#include "onnx/check_functions.h"
#include "onnx/child_process.h"
#include "onnx/skeleton.h"

namespace wakebuilder::onnx {
namespace {

using core::Finding;
using core::Severity;

// Inference walks through every call of a function again: a few small functions that call each
// other twice would keep it busy for hours.
constexpr std::uint64_t kMaxExpandedNodes = 200'000;

constexpr char kSeparator = '\x1e';  // ASCII's "record separator"

constexpr std::int64_t kLibraryIrVersion = ::onnx::Version::IR_VERSION;
constexpr std::int64_t kOverloadsIrVersion = 10;
constexpr std::int32_t kLibraryElementTypes = ::onnx::TensorProto_DataType_DataType_MAX;

bool knows_imports(const std::vector<std::pair<std::string, std::int64_t>>& imports) {
  const auto& ranges = ::onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  return std::all_of(imports.begin(), imports.end(), [&](const auto& import) {
    const auto range = ranges.find(import.first == "ai.onnx" ? "" : import.first);
    return range == ranges.end() ||
           (import.second >= range->second.first && import.second <= range->second.second);
  });
}

bool knows(const TensorProto& tensor) { return tensor.data_type <= kLibraryElementTypes; }

bool knows(const ValueInfoProto& value) {
  return !value.type || value.type->elem_type <= kLibraryElementTypes;
}

bool knows(const GraphProto& graph);
bool knows(const AttributeProto& attribute);
bool knows(const NodeProto& node);
bool knows(const FunctionProto& function);

template <class T>
bool knows_all(const std::vector<T>& list) {
  return std::all_of(list.begin(), list.end(), [](const T& item) { return knows(item); });
}

bool knows(const GraphProto& graph) {
  return knows_all(graph.inputs) && knows_all(graph.outputs) && knows_all(graph.value_infos) &&
         knows_all(graph.initializers) && knows_all(graph.nodes);
}

bool knows(const AttributeProto& attribute) {
  return knows_all(attribute.tensors) && knows_all(attribute.graphs);
}

bool knows(const NodeProto& node) {
  return (node.overload.empty() || kLibraryIrVersion >= kOverloadsIrVersion) &&
         knows_all(node.attributes);
}

bool knows(const FunctionProto& function) {
  return (function.overload.empty() || kLibraryIrVersion >= kOverloadsIrVersion) &&
         knows_imports(function.opset_imports) && knows_all(function.nodes);
}

// --- sentences ---

/// One line: what the library wrote over several lines, and no more than a few hundred characters
/// of it.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == '\n' || c == ' ' || c == '\t';
    if (!space) line += c;
    if (space && !line.empty() && line.back() != ' ') line += ' ';
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return core::quote(line, 600);
}

/// The text between two marks; nothing when one is missing.
std::optional<std::string_view> between(std::string_view text, std::string_view before,
                                        std::string_view after) {
  const auto start = text.find(before);
  if (start == std::string_view::npos) return std::nullopt;
  text.remove_prefix(start + before.size());
  const auto end = text.find(after);
  if (end == std::string_view::npos) return std::nullopt;
  return text.substr(0, end);
}

/// The node that the library names, as elsewhere; "model" where it names none.
std::string where_of(std::string_view text) {
  // The checker: "... Bad node spec for node. Name: relu OpType: Relu"
  auto name = between(text, "Name: ", " OpType: ");
  auto op_type = between(text, " OpType: ", "\n");
  if (!name || !op_type) {
    // Inference: "... (op_type:Relu, node name: relu): ..."
    op_type = between(text, "(op_type:", ", node name: ");
    name = between(text, ", node name: ", "): ");
  }
  if (!name || !op_type || name->empty()) return "model";
  NodeProto node;
  node.name = *name;
  node.op_type = *op_type;
  return node_label(node, 0);
}

Finding finding(std::string_view text) {
  return {Severity::kError, where_of(std::string(text) + "\n"),
          onnx_library_name() + ": " + one_line(text)};
}

// --- in the child ---

/// Runs one of the library's functions; its exception becomes a line.
template <class Ask>
bool ask(std::string& complaints, const Ask& question) {
  try {
    question();
    return true;
  } catch (const std::exception& error) {
    const std::string_view text = error.what();
    // The separator is no part of what the library says: names are all that could hold one.
    for (const char c : text) complaints += c == kSeparator ? ' ' : c;
    complaints += kSeparator;
    return false;
  }
}

// ShapeInferenceOptions.error_mode: whether an operator's own complaint is thrown or skipped.
constexpr int kStrict = 1;
constexpr int kLenient = 0;

void infer(::onnx::ModelProto& model, int error_mode) {
  ::onnx::shape_inference::InferShapes(model, ::onnx::OpSchemaRegistry::Instance(),
                                       ::onnx::ShapeInferenceOptions{true, error_mode, true});
}

/// Complaints, each with a separator behind it; one more separator; the model after inference.
std::string judge(const std::string& bytes) {
  ::onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::string("protobuf cannot read the model") + kSeparator + kSeparator;
  }
  std::string answer;
  std::string ignored;
  ask(answer, [&] { ::onnx::checker::check_model(model); });
  if (!ask(answer, [&] { infer(model, kStrict); })) ask(ignored, [&] { infer(model, kLenient); });
  return answer + kSeparator + model.SerializeAsString();
}

// --- in the parent ---

LibraryVerdict read_answer(std::string_view answer) {
  LibraryVerdict verdict;
  for (;;) {
    const auto end = answer.find(kSeparator);
    if (end == std::string_view::npos) return verdict;
    if (end > 0) verdict.findings.push_back(finding(answer.substr(0, end)));
    answer.remove_prefix(end + 1);
    if (end == 0) break;
  }
  auto inferred = parse_model(std::as_bytes(std::span(answer)), nullptr);
  if (inferred && inferred->graph) verdict.types = std::move(inferred->graph->value_infos);
  return verdict;
}

}  // namespace

std::string onnx_library_name() { return "ONNX checker " WAKEBUILDER_LIBONNX_VERSION; }

bool onnx_library_knows(const ModelProto& model) {
  return model.graph && knows_imports(model.opset_imports) && knows(*model.graph) &&
         knows_all(model.functions) && expanded_nodes(model) <= kMaxExpandedNodes;
}

void load_operators() {
  ::onnx::OpSchemaRegistry::Instance();
  ::onnx::OpSchemaRegistry::Schema("Relu");
}

LibraryVerdict ask_onnx_library(const ModelProto& model, const std::filesystem::path& folder) {
  const auto skeleton = skeleton_of(model, kLibraryIrVersion, folder);
  if (!skeleton) return {{finding(skeleton.error().message)}, {}};
  const std::string bytes = serialize(*skeleton);
  if (bytes.size() > kMaxModelBytes) return {{finding("the model is too large for protobuf")}, {}};
  load_operators();  // once, here, and not in each child
  const auto answer = run_in_child([&] { return judge(bytes); });
  if (!answer) return {{finding(answer.error().message)}, {}};
  return read_answer(*answer);
}

}  // namespace wakebuilder::onnx
