#include "wakebuilder/pipeline/validate.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "wakebuilder/core/file.h"
#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/pipeline/export.h"
#include "wakebuilder/pipeline/load.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using core::Finding;
using core::Severity;

/// Operators of domains that ONNX Runtime does not bring along: sound by the specification, whoever
/// runs them.
bool has_foreign_operators(const onnx::ModelProto& model) {
  const auto is_own = [&](const std::string& domain) {
    return std::ranges::any_of(model.functions,
                               [&](const auto& function) { return function.domain == domain; });
  };
  const auto is_foreign = [&](const onnx::NodeProto& node) {
    const std::string& domain = node.domain;
    return !domain.empty() && domain != "ai.onnx" && domain != "ai.onnx.ml" &&
           !domain.starts_with("com.microsoft") && !is_own(domain);
  };
  return model.graph && std::ranges::any_of(model.graph->nodes, is_foreign);
}

/// ONNX Runtime's ways to say that it is older than the model. The structure check has found the
/// versions and element types sound before.
bool is_too_new(const std::string& message) {
  constexpr std::array kPhrases = {"Unsupported model IR version", "under development",
                                   "does not have valid data type"};
  return std::ranges::any_of(
      kPhrases, [&](const char* phrase) { return message.find(phrase) != std::string::npos; });
}

Finding judge_refusal(const onnx::ModelProto& model, const std::string& message) {
  if (has_foreign_operators(model))
    return {Severity::kWarning, "model", "cannot run here: " + message};
  if (is_too_new(message))
    return {Severity::kWarning, "model", "not judged by this ONNX Runtime: " + message};
  return {Severity::kError, "model", message};
}

struct Judged {
  std::shared_ptr<const runtime::OnnxRuntime> runtime;
  std::optional<runtime::Session> session;
};

/// The third judge. It only gets models that the others found sound: it is no parser for hostile
/// files.
Judged judge_by_runtime(const fs::path& path, const onnx::ModelProto& model,
                        const ValidateOptions& options, ValidateReport& report) {
  Judged judged;
  if (!core::passes(report.findings)) return judged;
  auto runtime = runtime::OnnxRuntime::load(options.onnxruntime);
  if (!runtime) {
    report.findings.push_back(
        {Severity::kWarning, "ONNX Runtime", "did not judge: " + runtime.error().message});
    return judged;
  }
  judged.runtime = *runtime;
  auto session = runtime::Session::open(judged.runtime, path);
  if (session) {
    judged.session = std::move(*session);
    report.judges.push_back("ONNX Runtime " + judged.runtime->version());
    return judged;
  }
  report.findings.push_back(judge_refusal(model, session.error().message));
  if (report.findings.back().severity == Severity::kError) {
    report.judges.push_back("ONNX Runtime " + judged.runtime->version());
  }
  return judged;
}

double threshold_in(const onnx::ModelProto& model) {
  const std::string* text = model.metadata("threshold");
  if (text == nullptr) return model::kDefaultThreshold;
  try {
    return std::stod(*text);
  } catch (const std::exception&) {
    return model::kDefaultThreshold;
  }
}

/// Which graph of its network a model is: what we wrote into it, or its input's name and shape.
model::GraphOptions variant_of(const onnx::ModelProto& model) {
  const auto is_true = [&](const char* key) {
    const std::string* text = model.metadata(key);
    return text != nullptr && *text == "true";
  };
  model::GraphOptions variant;
  variant.stream = is_true("stream");
  if (!model.graph) return variant;
  for (const auto& input : model.graph->inputs) {
    variant.waveform |= input.name == "waveform";
    if (input.name == "input_values" && !variant.stream && input.type && input.type->shape &&
        input.type->shape->size() == 3) {
      variant.frames = (*input.type->shape)[1].value.value_or(0);
    }
  }
  const std::string* frames = model.metadata("frames");
  const bool is_ours = model.metadata("wakebuilder_version") != nullptr;
  if (variant.frames == 0 && (variant.waveform || variant.stream) && is_ours && frames != nullptr)
    variant.frames = std::strtoll(frames->c_str(), nullptr, 10);
  return variant;
}

bool takes_features(const onnx::ModelProto& model) {
  return model.graph && std::ranges::any_of(model.graph->inputs, [](const auto& input) {
           return input.name == "input_values" || input.name == "waveform";
         });
}

/// The network that a model was made of: of a checkpoint with a backbone, or with a base, the
/// whole, if the model hears sound.
Result<LoadedNetwork> load_for(const ValidateOptions& options, bool is_whole) {
  if (is_whole && !options.base.empty())
    return load_network(options.checkpoint, {.graph = "ast", .base = options.base});
  WAKEBUILDER_TRY(auto loaded, load_network(options.checkpoint));
  if (is_whole && loaded.holds_backbone)
    return load_network(options.checkpoint, {.graph = "ast", .base = {}});
  return loaded;
}

Result<void> compare_with_checkpoint(const onnx::ModelProto& model, const ValidateOptions& options,
                                     Judged& judged, ValidateReport& report) {
  const std::string* graph = model.metadata("graph");
  const bool is_whole = takes_features(model) || (graph != nullptr && *graph == "ast");
  WAKEBUILDER_TRY(const auto loaded, load_for(options, is_whole));
  WAKEBUILDER_TRY(const auto variant, model::resolve(loaded.network, variant_of(model)));
  WAKEBUILDER_TRY(
      auto validation,
      compare(*judged.session, make_trial(loaded.network, variant), threshold_of(loaded.network),
              options.atol.value_or(default_atol(loaded.network, variant))));
  if (!validation.passed) {
    WAKEBUILDER_CHECK(find_first_layer(judged.runtime, model, loaded.network, variant, validation));
  }
  report.validations.push_back(std::move(validation));
  return {};
}

Result<void> run_comparisons(const onnx::ModelProto& model, const ValidateOptions& options,
                             Judged& judged, ValidateReport& report) {
  if (options.checkpoint.empty() && options.activations.empty()) return {};
  if (!judged.session) {
    const std::string reason = report.findings.empty() ? "" : report.findings.back().message;
    report.findings.push_back({Severity::kError, "comparison",
                               "was not possible, since the model does not run: " + reason});
    return {};
  }
  if (!options.checkpoint.empty())
    WAKEBUILDER_CHECK(compare_with_checkpoint(model, options, judged, report));
  if (options.activations.empty()) return {};
  WAKEBUILDER_TRY(auto validation, compare_with_activations(
                                       judged.runtime, *judged.session, model, options.activations,
                                       threshold_in(model), options.atol.value_or(1e-5)));
  report.validations.push_back(std::move(validation));
  return {};
}

}  // namespace

Result<ValidateReport> validate(const fs::path& path, const ValidateOptions& options) {
  if (options.atol) WAKEBUILDER_CHECK(check_atol(*options.atol));
  WAKEBUILDER_TRY(const auto model, onnx::read_model(path));
  ValidateReport report;
  onnx::CheckReport checked = onnx::check_model(model, path.parent_path());
  report.findings = std::move(checked.findings);
  report.judges = std::move(checked.judges);
  Judged judged = judge_by_runtime(path, model, options, report);
  auto compared = run_comparisons(model, options, judged, report);
  if (!compared) {
    const bool about_model = compared.error().code == ErrorCode::kMismatch ||
                             compared.error().code == ErrorCode::kUnsupported;
    if (about_model) return fail_in(core::shown(path), std::move(compared).error());
    return fail(std::move(compared).error());
  }
  for (const Validation& validation : report.validations) {
    if (!validation.passed)
      report.findings.push_back({Severity::kError, "comparison", describe_miss(validation)});
  }
  report.valid = core::passes(report.findings);
  return report;
}

}  // namespace wakebuilder::pipeline
