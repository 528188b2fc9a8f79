#include "wakebuilder/model/classifier.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::model {
namespace {

using core::Shape;
using core::Tensor;
using core::Value;

constexpr std::string_view kSource = "WakeBuilder classifier";

/// Tensors by name, and which of them have been used.
class Weights {
 public:
  explicit Weights(const NamedTensors& tensors) {
    for (const auto& [name, tensor] : tensors) by_name_.emplace(name, &tensor);
  }

  const Tensor* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }

  bool has_block(std::string_view prefix) const {
    return std::any_of(by_name_.begin(), by_name_.end(),
                       [&](const auto& entry) { return entry.first.starts_with(prefix); });
  }

 private:
  std::unordered_map<std::string, const Tensor*> by_name_;
};

std::string shown(const std::string& name) { return core::quote(name); }

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

const Value* setting(const Value& metadata, std::string_view key) {
  if (const Value* value = metadata.find(key); value != nullptr && !value->is_null()) return value;
  return nullptr;
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

/// The numbers of a list or tuple of integers; nothing when it is anything else.
std::optional<std::vector<std::int64_t>> integers_of(const Value& value) {
  const auto* items = value.get_if<core::List>();
  if (const auto* tuple = value.get_if<core::Tuple>()) items = &tuple->items;
  if (items == nullptr) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const Value& item : *items) {
    const auto* number = item.get_if<std::int64_t>();
    if (number == nullptr) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
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

// ---- weights ----

Result<void> check_finite(const std::string& name, const Tensor& tensor) {
  const auto values = tensor.as<float>();
  // Without a way out the compiler computes many at a time; weights are nearly always finite.
  constexpr std::uint32_t kExponent = 0x7f800000;  // all ones: NaN or infinity
  std::uint32_t found = 0;
  for (const float value : values) {
    found |= (std::bit_cast<std::uint32_t>(value) & kExponent) == kExponent ? 1U : 0U;
  }
  if (found == 0) return {};
  const auto bad =
      std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
  return fail(ErrorCode::kCorrupt, name + ": expected finite numbers, found " +
                                       (std::isnan(*bad) ? "NaN" : "infinity") + " at element " +
                                       std::to_string(bad - values.begin()));
}

Result<Parameter> load_parameter(const Weights& weights, const std::string& name,
                                 const Shape& shape) {
  const Tensor* tensor = weights.find(name);
  if (tensor == nullptr) {
    return fail(ErrorCode::kMismatch,
                name + ": expected " + core::to_string(shape) + ", found no such tensor");
  }
  if (tensor->shape() != shape) {
    return fail(ErrorCode::kMismatch, name + ": expected " + core::to_string(shape) + ", found " +
                                          core::to_string(tensor->shape()));
  }
  auto converted = core::to_float32(*tensor);
  if (!converted) return fail_in(name, std::move(converted).error());
  WAKEBUILDER_CHECK(check_finite(name, *converted));
  return Parameter{name, *std::move(converted)};
}

Result<Head<Parameter>> load_weights(const Weights& weights, const HeadConfig& config,
                                     std::unordered_set<std::string>& used) {
  Head<Parameter> head = make_head<Parameter>(config);
  Result<void> status;
  visit(head, config, [&](const std::string& name, Parameter& parameter, const Shape& shape) {
    if (!status) return;
    auto loaded = load_parameter(weights, name, shape);
    if (!loaded) {
      status = fail(std::move(loaded).error());
      return;
    }
    parameter = *std::move(loaded);
    used.insert(name);
  });
  if (!status) return fail(std::move(status).error());
  return head;
}

Result<void> check_all_used(const NamedTensors& tensors,
                            const std::unordered_set<std::string>& used) {
  std::string extra;
  std::size_t count = 0;
  for (const auto& [name, tensor] : tensors) {
    if (used.contains(name)) continue;
    if (++count <= 5) extra += (count == 1 ? "" : ", ") + shown(name);
  }
  if (count == 0) return {};
  if (count > 5) extra += " and " + std::to_string(count - 5) + " more";
  return fail(ErrorCode::kMismatch,
              "expected only the tensors of a " + std::string(kSource) + ", found also " + extra);
}

Result<void> read_settings(Classifier& classifier) {
  const Value& metadata = classifier.metadata;
  if (const Value* word = setting(metadata, "wake_word")) {
    if (const auto* text = word->get_if<std::string>()) classifier.wake_word = *text;
  }
  if (const Value* threshold = setting(metadata, "threshold")) {
    classifier.threshold = threshold->number();
    if (!classifier.threshold || !(*classifier.threshold >= 0) || !(*classifier.threshold <= 1)) {
      return fail(ErrorCode::kMismatch, "threshold: expected a number from 0 to 1, found " +
                                            core::quote(core::to_json(*threshold)));
    }
  }
  if (const Value* rate = setting(metadata, "sample_rate")) {
    const auto* hertz = rate->get_if<std::int64_t>();
    if (hertz == nullptr || *hertz < 1) {
      return fail(ErrorCode::kMismatch, "sample_rate: expected a positive integer, found " +
                                            core::quote(core::to_json(*rate)));
    }
    classifier.sample_rate_hz = *hertz;
  }
  return {};
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
  classifier.metadata = metadata;
  classifier.has_backbone = std::any_of(tensors.begin(), tensors.end(),
                                        [](const auto& entry) { return is_backbone(entry.first); });
  const NamedTensors head = head_tensors(tensors, classifier.has_backbone);
  const Weights weights(head);
  WAKEBUILDER_TRY(classifier.config, infer_config(weights));
  std::unordered_set<std::string> used;
  auto loaded = load_weights(weights, classifier.config, used);
  // What contradicts the settings explains a missing tensor better than its name does, and the
  // reverse for a superfluous one.
  WAKEBUILDER_CHECK(agree(metadata, classifier.config));
  if (!loaded) return fail(std::move(loaded).error());
  classifier.head = *std::move(loaded);
  WAKEBUILDER_CHECK(check_all_used(head, used));
  WAKEBUILDER_CHECK(read_settings(classifier));
  return classifier;
}

}  // namespace wakebuilder::model
