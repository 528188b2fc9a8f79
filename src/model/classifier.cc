#include "wakebuilder/model/classifier.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

#include "model/settings.h"
#include "model/weights.h"

namespace wakebuilder::model {
namespace {

using core::Shape;
using core::Tensor;
using core::Value;

constexpr std::string_view kSource = "WakeBuilder classifier";

// ---- the head within a whole model ----

bool is_backbone(const std::string& name) {
  return name.starts_with("base_model.") || name.starts_with("audio_spectrogram_transformer.");
}

/// In a whole model the head's tensors begin with one `classifier.` more than in a bare head.
NamedTensors head_tensors(const NamedTensors& tensors, bool has_backbone) {
  if (!has_backbone) return tensors;
  constexpr std::string_view kPrefix = "classifier.";
  NamedTensors head;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(kPrefix)) {
      head.emplace_back(name.substr(kPrefix.size()), tensor);
    } else if (!is_backbone(name)) {
      head.emplace_back(name, tensor);  // superfluous: named when it is not used
    }
  }
  return head;
}

// ---- the config, from tensors and metadata ----

std::string hidden_name(std::size_t index, std::string_view part) {
  return "classifier." + std::to_string(index) + "." + std::string(part);
}

/// Width of the first axis of a tensor, if there is such a tensor with an axis.
std::optional<std::int64_t> first_dim(const Weights& weights, const std::string& name) {
  const Tensor* tensor = weights.find(name);
  if (tensor == nullptr || tensor->shape().empty()) return std::nullopt;
  return tensor->shape()[0];
}

/// A hidden layer is a Linear with a LayerNorm behind it; the last Linear has none.
std::vector<std::int64_t> infer_hidden_dims(const Weights& weights) {
  std::vector<std::int64_t> dims;
  for (std::size_t index = 0;; index += 4) {
    const auto width = first_dim(weights, hidden_name(index, "weight"));
    const bool has_norm = weights.find(hidden_name(index + 1, "weight")) != nullptr ||
                          weights.find(hidden_name(index + 1, "bias")) != nullptr;
    if (!width || !has_norm) return dims;
    dims.push_back(*width);
  }
}

Result<HeadConfig> infer_config(const Weights& weights) {
  const Tensor* norm = weights.find("input_norm.weight");
  if (norm == nullptr) {
    return fail(ErrorCode::kMismatch, "input_norm.weight: expected this tensor of a " +
                                          std::string(kSource) + ", found none");
  }
  if (norm->shape().size() != 1 || norm->shape()[0] < 1) {
    return fail(ErrorCode::kMismatch, "input_norm.weight: expected one dimension, found " +
                                          core::to_string(norm->shape()));
  }
  HeadConfig config;
  config.embedding_dim = norm->shape()[0];
  config.hidden_dims = infer_hidden_dims(weights);
  config.use_attention = weights.has_block("attention.");
  config.use_se_block = weights.has_block("se_block.");
  config.use_tcn = weights.has_block("tcn_block.");
  config.se_dim = first_dim(weights, "se_block.fc.0.weight")
                      .value_or(std::max<std::int64_t>(config.embedding_dim / 4, 32));
  if (config.use_attention && config.embedding_dim % kAttentionHeads != 0) {
    return fail(ErrorCode::kMismatch,
                "attention: expected an embedding_dim that " + std::to_string(kAttentionHeads) +
                    " heads divide, found " + std::to_string(config.embedding_dim));
  }
  return config;
}

Result<void> agree_on_flag(const Value& metadata, const std::string& flag, const std::string& block,
                           bool present) {
  const Value* value = setting(metadata, flag);
  if (value == nullptr) return {};
  const bool* wanted = value->get_if<bool>();
  if (wanted == nullptr) {
    return fail(ErrorCode::kMismatch,
                flag + ": expected True or False, found " + std::string(value->type_name()));
  }
  if (*wanted == present) return {};
  return fail(ErrorCode::kMismatch, flag + " is " + (*wanted ? "True" : "False") +
                                        ", but tensors " + block + ".* are " +
                                        (present ? "present" : "missing"));
}

Result<void> agree_on_embedding_dim(const Value& metadata, std::int64_t found) {
  const Value* value = setting(metadata, "embedding_dim");
  if (value == nullptr) return {};
  const auto* wanted = value->get_if<std::int64_t>();
  if (wanted != nullptr && *wanted == found) return {};
  return fail(ErrorCode::kMismatch, "embedding_dim says " + core::to_json(*value) +
                                        ", but the tensors say " + std::to_string(found) +
                                        " (input_norm.weight)");
}

Result<void> agree_on_hidden_dims(const Value& metadata, const std::vector<std::int64_t>& found) {
  const Value* value = setting(metadata, "classifier_hidden_dims");
  if (value == nullptr) return {};
  const auto wanted = integers_of(*value);
  if (wanted && *wanted == found) return {};
  return fail(ErrorCode::kMismatch,
              "classifier_hidden_dims says " +
                  (wanted ? core::to_string(*wanted) : core::quote(core::to_json(*value))) +
                  ", but the tensors say " + core::to_string(found));
}

Result<void> agree(const Value& metadata, const HeadConfig& config) {
  WAKEBUILDER_CHECK(agree_on_flag(metadata, "use_attention", "attention", config.use_attention));
  WAKEBUILDER_CHECK(agree_on_flag(metadata, "use_se_block", "se_block", config.use_se_block));
  WAKEBUILDER_CHECK(agree_on_flag(metadata, "use_tcn", "tcn_block", config.use_tcn));
  WAKEBUILDER_CHECK(agree_on_embedding_dim(metadata, config.embedding_dim));
  return agree_on_hidden_dims(metadata, config.hidden_dims);
}

Result<void> check_model_type(const Value& metadata) {
  const Value* value = setting(metadata, "model_type");
  const auto* type = value != nullptr ? value->get_if<std::string>() : nullptr;
  if (type == nullptr || *type == "ast") return {};
  return fail(ErrorCode::kUnsupported,
              "model_type: expected \"ast\" (WakeBuilder's classifier), found \"" +
                  core::quote(*type) + "\", another architecture");
}

}  // namespace

std::size_t Classifier::parameters() const {
  std::size_t count = 0;
  visit(head, config, [&](const auto&, const Parameter& parameter, const auto&) {
    count += parameter.tensor.size();
  });
  return count;
}

Result<Classifier> load_classifier(const NamedTensors& tensors, const core::Value& metadata) {
  WAKEBUILDER_CHECK(check_model_type(metadata));
  Classifier classifier;
  classifier.has_backbone = std::any_of(tensors.begin(), tensors.end(),
                                        [](const auto& entry) { return is_backbone(entry.first); });
  const NamedTensors head = head_tensors(tensors, classifier.has_backbone);
  Weights weights(head);
  WAKEBUILDER_TRY(classifier.config, infer_config(weights));
  Head<Parameter> faithful = make_head<Parameter>(classifier.config);
  const auto loaded = weights.load(
      [&](auto&& f) { visit(faithful, classifier.config, std::forward<decltype(f)>(f)); });
  // What contradicts the settings explains a missing tensor better than its name does, and the
  // reverse for a superfluous one.
  WAKEBUILDER_CHECK(agree(metadata, classifier.config));
  WAKEBUILDER_CHECK(loaded);
  classifier.head = std::move(faithful);
  WAKEBUILDER_CHECK(weights.check_all_used("a " + std::string(kSource)));
  WAKEBUILDER_TRY(static_cast<Settings&>(classifier), read_settings(metadata));
  return classifier;
}

}  // namespace wakebuilder::model
