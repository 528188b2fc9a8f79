#include "onnx/check_context.h"

#include "wakebuilder/core/text.h"
#include "wakebuilder/onnx/check.h"

namespace wakebuilder::onnx {

void FindingList::error(std::string where, std::string message) {
  has_errors_ = true;
  add(core::Severity::kError, std::move(where), std::move(message));
}

void FindingList::warning(std::string where, std::string message) {
  add(core::Severity::kWarning, std::move(where), std::move(message));
}

void FindingList::add(core::Severity severity, std::string where, std::string message) {
  if (findings_.size() >= kMaxFindings) {
    ++left_out_;
    return;
  }
  findings_.push_back({severity, std::move(where), std::move(message)});
}

std::vector<core::Finding> FindingList::take() {
  if (left_out_ > 0) {
    const auto severity = has_errors_ ? core::Severity::kError : core::Severity::kWarning;
    findings_.push_back(
        {severity, "model", std::to_string(left_out_) + " more findings are left out"});
  }
  return std::move(findings_);
}

std::string_view canonical_domain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view() : domain;
}

std::string named(std::string_view kind, std::string_view name) {
  return std::string(kind) + " \"" + core::quote(name) + "\"";
}

std::string node_label(const NodeProto& node, std::size_t index) {
  const std::string name =
      node.name.empty() ? "node " + std::to_string(index) : named("node", node.name);
  return name + " (" + core::quote(node.op_type) + ")";
}

}  // namespace wakebuilder::onnx
