#include "wakebuilder/model/load_ast.h"

#include <algorithm>
#include <cmath>

#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

#include "model/ast_names.h"
#include "model/settings.h"
#include "model/weights.h"

namespace wakebuilder::model {
namespace {

using core::Shape;
using core::Tensor;

constexpr std::string_view kSource = "Audio Spectrogram Transformer";
constexpr std::int64_t kHeadSize = 64;     ///< of every published AST
constexpr std::int64_t kMaxLayers = 1000;  ///< that a file may ask for
constexpr std::int64_t kMaxSize = 1 << 20;
constexpr std::string_view kPatches = "embeddings.patch_embeddings.projection.weight";
constexpr std::string_view kPositions = "embeddings.position_embeddings";

// ---- config.json ----

Result<void> read_size(const core::Value& json, std::string_view key, std::int64_t& size) {
  const core::Value* value = setting(json, key);
  if (value == nullptr) return {};
  const auto* number = value->get_if<std::int64_t>();
  if (number != nullptr && *number >= 1 && *number <= kMaxSize) {
    size = *number;
    return {};
  }
  return fail(ErrorCode::kMismatch, std::string(key) + ": expected a number from 1 to " +
                                        std::to_string(kMaxSize) + ", found " +
                                        core::quote(core::to_json(*value)));
}

/// A field that may only have one value, since nothing else is computed here.
Result<void> require(const core::Value& json, std::string_view key, const core::Value& wanted) {
  const core::Value* value = setting(json, key);
  if (value == nullptr || core::to_json(*value) == core::to_json(wanted)) return {};
  return fail(ErrorCode::kUnsupported, std::string(key) + ": expected " + core::to_json(wanted) +
                                           ", found " + core::quote(core::to_json(*value)));
}

Result<void> check_sizes(const AstConfig& config) {
  const auto refuse = [](const std::string& sentence) {
    return fail(ErrorCode::kMismatch, sentence);
  };
  if (config.hidden_size % config.num_attention_heads != 0) {
    return refuse("hidden_size: expected a multiple of num_attention_heads " +
                  std::to_string(config.num_attention_heads) + ", found " +
                  std::to_string(config.hidden_size));
  }
  if (config.max_length < config.patch_size || config.num_mel_bins < config.patch_size) {
    return refuse("max_length and num_mel_bins: expected at least patch_size " +
                  std::to_string(config.patch_size) + ", found " +
                  std::to_string(config.max_length) + " and " +
                  std::to_string(config.num_mel_bins));
  }
  if (config.num_hidden_layers > kMaxLayers) {
    return refuse("num_hidden_layers: expected at most " + std::to_string(kMaxLayers) + ", found " +
                  std::to_string(config.num_hidden_layers));
  }
  return {};
}

// ---- the config from shapes ----

std::int64_t count_layers(const Weights& weights) {
  std::int64_t count = 0;
  while (count < kMaxLayers && weights.has_block("encoder.layer." + std::to_string(count) + ".")) {
    ++count;
  }
  return count;
}

Result<std::int64_t> dim(const Weights& weights, std::string_view name, std::size_t axis) {
  const auto found = weights.dim(std::string(name), axis);
  if (found && *found >= 1 && *found <= kMaxSize) return *found;
  const Tensor* tensor = weights.find(std::string(name));
  return fail(ErrorCode::kMismatch,
              std::string(name) + ": expected this tensor of an " + std::string(kSource) +
                  ", found " + (tensor == nullptr ? "none" : core::to_string(tensor->shape())));
}

Result<AstConfig> infer_config(const Weights& weights) {
  AstConfig config;
  WAKEBUILDER_TRY(config.hidden_size, dim(weights, kPatches, 0));
  WAKEBUILDER_TRY(config.patch_size, dim(weights, kPatches, 3));
  WAKEBUILDER_TRY(const auto positions, dim(weights, kPositions, 1));
  config.num_hidden_layers = count_layers(weights);
  config.intermediate_size =
      weights.dim("encoder.layer.0.intermediate.dense.weight", 0).value_or(4 * config.hidden_size);
  if (config.hidden_size % kHeadSize != 0) {
    return fail(ErrorCode::kMismatch,
                "hidden_size " + std::to_string(config.hidden_size) +
                    ": expected config.json beside the weights, since the number of heads shows in "
                    "no shape unless they are of " +
                    std::to_string(kHeadSize));
  }
  config.num_attention_heads = config.hidden_size / kHeadSize;
  const std::int64_t rows =
      config.patch_size <= config.num_mel_bins
          ? (config.num_mel_bins - config.patch_size) / config.frequency_stride + 1
          : 0;
  if (rows < 1 || positions < 2 + rows || (positions - 2) % rows != 0) {
    return fail(ErrorCode::kMismatch,
                std::string(kPositions) + ": expected 2 more than a multiple of " +
                    std::to_string(rows) + " patches, found " + std::to_string(positions));
  }
  config.max_length = ((positions - 2) / rows - 1) * config.time_stride + config.patch_size;
  // Strides round down; published models take a power of two.
  for (const std::int64_t usual : {128, 256, 512, 1024, 2048}) {
    if (usual >= config.max_length && usual < config.max_length + config.time_stride)
      config.max_length = usual;
  }
  return config;
}

// ---- weights ----

/// True for attention.attention.{query,key,value}.PART of a layer.
bool is_of_attention(const std::string& name, std::string_view part) {
  const std::size_t at = name.find(".attention.attention.");
  return at != std::string::npos && name.ends_with(part);
}

/// With qkv_bias false there are none; zeros do the same.
void add_zero_biases(NamedTensors& tensors, const AstConfig& config) {
  constexpr std::string_view kWeight = ".weight";
  const Tensor zeros = Tensor::from(
      std::vector<float>(static_cast<std::size_t>(config.hidden_size)), {config.hidden_size});
  NamedTensors biases;
  for (const auto& [name, tensor] : tensors) {
    if (!is_of_attention(name, kWeight)) continue;
    biases.emplace_back(name.substr(0, name.size() - kWeight.size()) + ".bias", zeros);
  }
  tensors.insert(tensors.end(), biases.begin(), biases.end());
}

/// A single one that is missing is no setting but a mistake.
bool lacks_all_biases(const NamedTensors& tensors) {
  return std::ranges::none_of(
      tensors, [](const auto& item) { return is_of_attention(item.first, ".bias"); });
}

bool is_classifier(const std::string& name) { return name.starts_with("classifier."); }

bool is_transformers_classifier(const NamedTensors& others) {
  return std::ranges::any_of(
      others, [](const auto& item) { return item.first == "classifier.dense.weight"; });
}

Result<AstClassification<Parameter>> load_classification(const NamedTensors& others,
                                                         std::int64_t width) {
  Weights weights(others);
  const auto labels = weights.dim("classifier.dense.weight", 0);
  if (labels && *labels != kClasses) {
    return fail(ErrorCode::kMismatch,
                "classifier.dense.weight: expected 2 labels, other and wake "
                "word, found " +
                    std::to_string(*labels) +
                    "; such a model can be the --base of a WakeBuilder head");
  }
  AstClassification<Parameter> head;
  WAKEBUILDER_CHECK(
      weights.load([&](auto&& f) { visit(head, width, std::forward<decltype(f)>(f)); }));
  WAKEBUILDER_CHECK(weights.check_all_used("the classifier of an " + std::string(kSource)));
  return head;
}

/// WakeBuilder's head in a whole model has one `classifier.` in front of each name.
NamedTensors head_of(const NamedTensors& others) {
  constexpr std::string_view kPrefix = "classifier.";
  NamedTensors head;
  for (const auto& [name, tensor] : others) head.emplace_back(name.substr(kPrefix.size()), tensor);
  return head;
}

}  // namespace

std::size_t AstClassifier::parameters() const {
  std::size_t count = 0;
  const auto add = [&](const auto&, const Parameter& parameter, const auto&) {
    count += parameter.tensor.size();
  };
  visit(backbone, config, add);
  if (const auto* classifier = std::get_if<Classifier>(&head))
    return count + classifier->parameters();
  visit(std::get<1>(head), config.hidden_size, add);
  return count;
}

Result<AstConfig> parse_ast_config(std::string_view json) {
  WAKEBUILDER_TRY(const auto parsed, core::parse_json(json));
  if (parsed.get_if<core::Dict>() == nullptr) {
    return fail(ErrorCode::kCorrupt,
                "expected a JSON object, found " + std::string(parsed.type_name()));
  }
  WAKEBUILDER_CHECK(require(parsed, "model_type", "audio-spectrogram-transformer"));
  WAKEBUILDER_CHECK(require(parsed, "hidden_act", "gelu"));
  WAKEBUILDER_CHECK(require(parsed, "num_mel_bins", 128));
  AstConfig config;
  WAKEBUILDER_CHECK(read_size(parsed, "hidden_size", config.hidden_size));
  WAKEBUILDER_CHECK(read_size(parsed, "num_hidden_layers", config.num_hidden_layers));
  WAKEBUILDER_CHECK(read_size(parsed, "num_attention_heads", config.num_attention_heads));
  WAKEBUILDER_CHECK(read_size(parsed, "intermediate_size", config.intermediate_size));
  WAKEBUILDER_CHECK(read_size(parsed, "patch_size", config.patch_size));
  WAKEBUILDER_CHECK(read_size(parsed, "frequency_stride", config.frequency_stride));
  WAKEBUILDER_CHECK(read_size(parsed, "time_stride", config.time_stride));
  WAKEBUILDER_CHECK(read_size(parsed, "max_length", config.max_length));
  if (const core::Value* epsilon = setting(parsed, "layer_norm_eps")) {
    const auto number = epsilon->number();
    if (!number || !std::isfinite(*number) || *number < 0) {
      return fail(ErrorCode::kMismatch, "layer_norm_eps: expected a small number, found " +
                                            core::quote(core::to_json(*epsilon)));
    }
    config.layer_norm_eps = *number;
  }
  WAKEBUILDER_CHECK(check_sizes(config));
  return config;
}

bool holds_ast(const NamedTensors& tensors) {
  return std::ranges::any_of(tensors, [](const auto& item) {
    return item.first.ends_with(kPatches) || item.first.ends_with("v.patch_embed.proj.weight");
  });
}

Result<LoadedAst> load_ast(const NamedTensors& tensors, const std::optional<AstConfig>& config) {
  LoadedAst loaded;
  NamedTensors backbone;
  for (auto& item : with_ast_file_names(tensors))
    (is_classifier(item.first) ? loaded.others : backbone).push_back(std::move(item));
  if (config) {
    loaded.config = *config;
  } else {
    WAKEBUILDER_TRY(loaded.config, infer_config(Weights(backbone)));
  }
  WAKEBUILDER_CHECK(check_sizes(loaded.config));
  if (lacks_all_biases(backbone)) add_zero_biases(backbone, loaded.config);
  Weights weights(backbone);
  loaded.backbone = make_ast<Parameter>(loaded.config);
  const auto filled = weights.load(
      [&](auto&& f) { visit(loaded.backbone, loaded.config, std::forward<decltype(f)>(f)); });
  if (!filled) {
    // A name that nobody knows often is the missing one in another spelling.
    const auto left = weights.check_all_used("an " + std::string(kSource));
    const bool is_missing = filled.error().message.ends_with("found no such tensor");
    if (left || !is_missing) return fail(filled.error());
    return fail(filled.error().code, filled.error().message + "; " + left.error().message);
  }
  WAKEBUILDER_CHECK(weights.check_all_used("an " + std::string(kSource)));
  return loaded;
}

Result<AstClassifier> join(LoadedAst base, Classifier classifier) {
  if (classifier.config.embedding_dim != base.config.hidden_size) {
    return fail(ErrorCode::kMismatch,
                "the base gives embeddings of " + std::to_string(base.config.hidden_size) +
                    ", but the classifier expects " +
                    std::to_string(classifier.config.embedding_dim) + " (input_norm.weight)");
  }
  AstClassifier whole;
  static_cast<Settings&>(whole) = static_cast<const Settings&>(classifier);
  whole.config = base.config;
  whole.backbone = std::move(base.backbone);
  whole.head = std::move(classifier);
  return whole;
}

Result<AstClassifier> load_ast_classifier(const NamedTensors& tensors, const core::Value& metadata,
                                          const std::optional<AstConfig>& config) {
  WAKEBUILDER_TRY(auto base, load_ast(tensors, config));
  if (base.others.empty()) {
    return fail(ErrorCode::kMismatch,
                "expected a classifier beside the " + std::string(kSource) +
                    ", found none; such a model can be the --base of a WakeBuilder head");
  }
  if (is_transformers_classifier(base.others)) {
    AstClassifier whole;
    WAKEBUILDER_TRY(whole.head, load_classification(base.others, base.config.hidden_size));
    WAKEBUILDER_TRY(static_cast<Settings&>(whole), read_settings(metadata));
    whole.config = base.config;
    whole.backbone = std::move(base.backbone);
    return whole;
  }
  WAKEBUILDER_TRY(auto classifier, load_classifier(head_of(base.others), metadata));
  return join(std::move(base), std::move(classifier));
}

}  // namespace wakebuilder::model
