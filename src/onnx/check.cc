#include "wakebuilder/onnx/check.h"

#include <string>
#include <string_view>
#include <unordered_set>

#include "wakebuilder/core/text.h"
#include "wakebuilder/onnx/write.h"

#include "onnx/check_context.h"
#include "onnx/check_functions.h"
#include "onnx/check_graph.h"
#include "onnx/check_operands.h"
#include "onnx/onnx_library.h"

namespace wakebuilder::onnx {
namespace {

// IR version 3 brought opset_import; ONNX Runtime reads none before it.
constexpr std::int64_t kOldestIrVersion = 3;

std::string range(std::int64_t first, std::int64_t last) {
  return "from " + std::to_string(first) + " to " + std::to_string(last);
}

void check_ir_version(CheckContext& context, const ModelProto& model) {
  if (model.ir_version == 0) return context.findings.error("model", "has no IR version");
  if (model.ir_version >= kOldestIrVersion && model.ir_version <= kNewestIrVersion) return;
  context.findings.error("model", "expected an IR version " +
                                      range(kOldestIrVersion, kNewestIrVersion) + ", found " +
                                      std::to_string(model.ir_version));
}

void check_version(CheckContext& context, std::string_view domain, std::int64_t version) {
  if (canonical_domain(domain).empty()) {
    if (version >= 1 && version <= kNewestOpset) return;
    context.findings.error("model", "expected an opset " + range(1, kNewestOpset) + ", found " +
                                        std::to_string(version));
  } else if (version < 1 || version > std::int64_t{0x7fffffff}) {
    context.findings.error("model", "expected a positive opset of the domain \"" +
                                        core::quote(domain) + "\", found " +
                                        std::to_string(version));
  }
}

void check_opset_imports(CheckContext& context, const ModelProto& model) {
  if (model.opset_imports.empty()) context.findings.error("model", "imports no opset");
  std::unordered_set<std::string_view> domains;
  for (const auto& [domain, version] : model.opset_imports) {
    check_version(context, domain, version);
    if (!domains.insert(canonical_domain(domain)).second) {
      context.findings.error(
          "model", "imports an opset of the domain \"" + core::quote(domain) + "\" twice");
    }
  }
}

void check_metadata(CheckContext& context, const ModelProto& model) {
  std::unordered_set<std::string_view> keys;
  for (const auto& [key, value] : model.metadata_props) {
    if (!keys.insert(key).second) {
      context.findings.error("model", "has the metadata \"" + core::quote(key) + "\" twice");
    }
  }
}

void check_size(CheckContext& context, const ModelProto& model) {
  const std::size_t size = serialized_size(model);
  if (size <= kMaxModelBytes) return;
  context.findings.error("model",
                         "takes " + std::to_string(size) +
                             " bytes, and a protobuf file at most 2147483647: its weights must lie "
                             "in a file beside it (external data)");
}

bool has_errors(const CheckReport& report) { return !core::passes(report.findings); }

}  // namespace

CheckReport check_structure(const ModelProto& model, const std::filesystem::path& folder) {
  CheckContext context{.ir_version = model.ir_version, .external = ExternalData(folder)};
  check_ir_version(context, model);
  check_opset_imports(context, model);
  check_metadata(context, model);
  check_size(context, model);
  check_functions(context, model);
  if (model.graph) {
    check_main_graph(context, Surroundings{.imports = &model.opset_imports}, *model.graph);
    check_operands(context.findings, *model.graph, {});
  } else {
    context.findings.error("model", "has no graph");
  }
  return {context.findings.take(), {"structure"}};
}

CheckReport check_model(const ModelProto& model, const std::filesystem::path& folder) {
  CheckReport report = check_structure(model, folder);
  if (has_errors(report) || !onnx_library_knows(model)) return report;
  report.judges.push_back(onnx_library_name());
  LibraryVerdict verdict = ask_onnx_library(model, folder);
  if (core::passes(verdict.findings)) {
    // Inference has found more shapes than the model states.
    FindingList more;
    check_operands(more, *model.graph, verdict.types);
    verdict.findings = more.take();
  }
  for (core::Finding& finding : verdict.findings) report.findings.push_back(std::move(finding));
  return report;
}

std::vector<ValueInfoProto> infer_types(const ModelProto& model,
                                        const std::filesystem::path& folder) {
  if (!model.graph) return {};
  if (!onnx_library_knows(model)) return model.graph->value_infos;
  std::vector<ValueInfoProto> types = ask_onnx_library(model, folder).types;
  return types.empty() ? model.graph->value_infos : types;
}

}  // namespace wakebuilder::onnx
