// What the parts of the structure check share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "wakebuilder/core/finding.h"
#include "wakebuilder/onnx/external_data.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

/// Collects findings up to kMaxFindings and counts the rest.
class FindingList {
 public:
  void error(std::string where, std::string message);
  void warning(std::string where, std::string message);

  bool has_errors() const { return has_errors_; }
  std::vector<core::Finding> take();

 private:
  void add(core::Severity severity, std::string where, std::string message);

  std::vector<core::Finding> findings_;
  std::size_t left_out_ = 0;
  bool has_errors_ = false;
};

using OpsetImports = std::vector<std::pair<std::string, std::int64_t>>;

struct CheckContext {
  std::int64_t ir_version = 0;
  ExternalData external;
  FindingList findings{};
};

/// The part of a model that a list of nodes stands in: the main graph, a subgraph or a function.
struct Surroundings {
  const OpsetImports* imports = nullptr;
  const FunctionProto* function = nullptr;  ///< null outside of functions
  std::string prefix{};                     ///< of `where`: "node \"if\", else_branch: "
};

/// "" for "ai.onnx": two names of one domain.
std::string_view canonical_domain(std::string_view domain);

/// `W` as "tensor \"W\"": a kind and an escaped name.
std::string named(std::string_view kind, std::string_view name);

/// "node \"dense\" (Gemm)"; "node 3 (Gemm)" where it has no name.
std::string node_label(const NodeProto& node, std::size_t index);

}  // namespace wakebuilder::onnx
