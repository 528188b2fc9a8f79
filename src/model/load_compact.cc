#include "wakebuilder/model/load_compact.h"

#include <algorithm>
#include <array>
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

constexpr std::string_view kSource = "compact network";
constexpr std::int64_t kMaxBlocks = 64;  ///< TCN blocks and classifier layers that are looked for

// ---- names ----

using Names = std::vector<std::pair<std::string, std::string>>;

/// The beginnings of the research code's names, and what this library calls them.
Names research_names() {
  Names names = {{"backbone.scale", "backbone.norm_0.weight"},
                 {"backbone.shift", "backbone.norm_0.bias"},
                 {"head.att_score.", "head.attention.score."},
                 {"head.att_position", "head.attention.position"},
                 {"head.att_project.", "head.attention.project."},
                 {"head.att_norm.", "head.attention.norm."},
                 {"head.se_reduce.", "head.se_block.fc.0."},
                 {"head.se_expand.", "head.se_block.fc.2."}};
  for (std::int64_t i = 0; i < kMaxBlocks; ++i) {
    const std::string number = std::to_string(i);
    const std::string block = "head.tcn_block." + number;
    names.emplace_back("backbone.conv" + number + ".", "backbone.conv_" + number + ".");
    names.emplace_back("head.tcn" + number + "_point.", block + ".point.");
    names.emplace_back("head.tcn" + number + "_norm1.", block + ".norm_0.");
    names.emplace_back("head.tcn" + number + "_norm2.", block + ".norm_1.");
    names.emplace_back("head.tcn" + number + "_depth", block + ".depth.weight");
    names.emplace_back("head.fc" + std::to_string(i + 1) + ".", "head.classifier." + number + ".");
  }
  return names;
}

std::string canonical_name(const std::string& name, const Names& names) {
  const auto found =
      std::ranges::find_if(names, [&](const auto& entry) { return name.starts_with(entry.first); });
  return found == names.end() ? name : found->second + name.substr(found->first.size());
}

/// Scale and shift of channels, which graphs have with axes of length one behind.
bool is_per_channel(const std::string& name) {
  return name.starts_with("backbone.norm_0.") || name.starts_with("head.input_norm.");
}

Tensor reshaped(const Tensor& tensor, Shape shape) {
  const auto owner = std::make_shared<const Tensor>(tensor);
  return Tensor::view(tensor.dtype(), std::move(shape), owner->bytes(), owner);
}

/// Matrices of a Linear act on each token as convolutions with a kernel of one.
Tensor as_kernel(const std::string& name, const Tensor& tensor) {
  Shape shape = tensor.shape();
  if (is_per_channel(name) && shape.size() > 1 &&
      static_cast<std::size_t>(shape[0]) == core::numel(shape))
    return reshaped(tensor, {shape[0]});
  if (shape.size() != 2) return tensor;
  if (name.ends_with(".depth.weight")) {
    shape.insert(shape.begin() + 1, 1);
  } else if (name.ends_with(".score.weight") || name.ends_with(".project.weight") ||
             name.ends_with(".point.weight") || name.starts_with("head.se_block.")) {
    shape.push_back(1);
  } else {
    return tensor;
  }
  return reshaped(tensor, std::move(shape));
}

/// The tensors under the names and in the shapes of docs/formats/compact.md.
NamedTensors canonical(const NamedTensors& tensors) {
  const Names names = research_names();
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    if (name.ends_with(".num_batches_tracked")) continue;  // a counter of training
    const std::string target = canonical_name(name, names);
    result.emplace_back(target, as_kernel(target, tensor));
  }
  return result;
}

// ---- the config, from tensors and metadata ----

std::int64_t count_blocks(const Weights& weights, const std::string& prefix) {
  std::int64_t count = 0;
  while (count < kMaxBlocks && weights.has_block(prefix + std::to_string(count) + ".")) ++count;
  return count;
}

Result<std::int64_t> dim(const Weights& weights, const std::string& name, std::size_t axis) {
  const Tensor* tensor = weights.find(name);
  const auto found = weights.dim(name, axis);
  if (found && *found >= 1) return *found;
  return fail(ErrorCode::kMismatch,
              name + ": expected a tensor of a " + std::string(kSource) + " with an axis " +
                  std::to_string(axis) + ", found " +
                  (tensor == nullptr ? "none" : core::to_string(tensor->shape())));
}

/// Batch norms were folded into their neighbours: the tensors are those of an exported graph.
bool is_folded(const Weights& weights) { return weights.has_block("head.input_norm.folded."); }

Result<CompactConfig> infer_config(const Weights& weights) {
  CompactConfig config;
  WAKEBUILDER_TRY(config.window, dim(weights, "head.attention.position", 0));
  WAKEBUILDER_TRY(config.heads, dim(weights, "head.attention.position", 1));
  const std::string project = is_folded(weights) ? "project.folded" : "project";
  WAKEBUILDER_TRY(config.width, dim(weights, "head.attention." + project + ".weight", 0));
  WAKEBUILDER_TRY(config.se_dim, dim(weights, "head.se_block.fc.0.weight", 0));
  if (config.window % 2 == 0) {
    return fail(ErrorCode::kMismatch,
                "head.attention.position: expected an odd window of tokens, found " +
                    std::to_string(config.window));
  }
  config.dilations.clear();
  const std::int64_t blocks = count_blocks(weights, "head.tcn_block.");
  for (std::int64_t i = 0; i < blocks; ++i)
    config.dilations.push_back(std::int64_t{1} << std::min<std::int64_t>(i, 20));
  config.hidden_dims.clear();
  const std::int64_t layers = count_blocks(weights, "head.classifier.");
  for (std::int64_t i = 0; i + 1 < layers; ++i) {
    WAKEBUILDER_TRY(const auto width,
                    dim(weights, "head.classifier." + std::to_string(i) + ".weight", 0));
    config.hidden_dims.push_back(width);
  }
  return config;
}

/// The metadata may say a dimension; then it has to be that of the tensors.
Result<void> agree(const core::Value& metadata, std::string_view key, const core::Value& found) {
  const core::Value* value = setting(metadata, key);
  if (value == nullptr || core::to_json(*value) == core::to_json(found)) return {};
  return fail(ErrorCode::kMismatch, std::string(key) + " says " +
                                        core::quote(core::to_json(*value)) +
                                        ", but this network has " + core::to_json(found));
}

Result<void> read_dilations(const core::Value& metadata, CompactConfig& config) {
  const core::Value* value = setting(metadata, "dilations");
  if (value == nullptr) return {};
  const auto wanted = integers_of(*value);
  const bool fits = wanted && wanted->size() == config.dilations.size() &&
                    std::ranges::all_of(*wanted, [](auto d) { return d >= 1 && d <= 1024; });
  if (!fits) {
    return fail(ErrorCode::kMismatch,
                "dilations: expected " + std::to_string(config.dilations.size()) +
                    " numbers from 1 to 1024, one for each block head.tcn_block.*, found " +
                    core::quote(core::to_json(*value)));
  }
  config.dilations = *wanted;
  return {};
}

Result<void> read_number(const core::Value& metadata, std::string_view key, double& number) {
  const core::Value* value = setting(metadata, key);
  if (value == nullptr) return {};
  const auto found = value->number();
  if (!found || !std::isfinite(*found)) {
    return fail(ErrorCode::kMismatch, std::string(key) + ": expected a finite number, found " +
                                          core::quote(core::to_json(*value)));
  }
  number = *found;
  return {};
}

Result<void> read_config(const core::Value& metadata, CompactConfig& config) {
  WAKEBUILDER_CHECK(agree(metadata, "heads", config.heads));
  WAKEBUILDER_CHECK(agree(metadata, "window", config.window));
  WAKEBUILDER_CHECK(agree(metadata, "width", config.width));
  WAKEBUILDER_CHECK(agree(metadata, "reduced", config.se_dim));
  WAKEBUILDER_CHECK(agree(metadata, "bins", kFeatureBins));
  WAKEBUILDER_CHECK(agree(metadata, "token", kEmbeddingFrames));
  WAKEBUILDER_CHECK(agree(metadata, "hop", kEmbeddingFrameStride));
  WAKEBUILDER_CHECK(read_dilations(metadata, config));
  WAKEBUILDER_CHECK(read_number(metadata, "feature_mean", config.feature_mean));
  WAKEBUILDER_CHECK(read_number(metadata, "feature_std", config.feature_std));
  if (config.feature_std > 0) return {};
  return fail(ErrorCode::kMismatch, "feature_std: expected a positive number, found " +
                                        core::to_text(config.feature_std));
}

Result<std::int64_t> read_frames(const core::Value& metadata) {
  const core::Value* value = setting(metadata, "frames");
  if (value == nullptr) return kCompactFrames;
  const auto* frames = value->get_if<std::int64_t>();
  if (frames != nullptr && *frames >= kEmbeddingFrames && *frames <= kMaxFrames) return *frames;
  return fail(ErrorCode::kMismatch,
              "frames: expected a number from " + std::to_string(kEmbeddingFrames) + " to " +
                  std::to_string(kMaxFrames) + ", found " + core::quote(core::to_json(*value)));
}

Result<void> check_variances(const Compact<Parameter>& network, const CompactConfig& config) {
  Result<void> status;
  visit(network, config, [&](const std::string& name, const Parameter& weight, const auto&) {
    if (!status || !name.ends_with(".running_var")) return;
    const auto values = weight.tensor.as<float>();
    const auto least = std::ranges::min_element(values);
    if (least == values.end() || *least >= 0) return;
    status = fail(ErrorCode::kCorrupt, name + ": expected variances, found " +
                                           core::to_text(static_cast<double>(*least)) +
                                           " at element " + std::to_string(least - values.begin()));
  });
  return status;
}

/// `word` is what the research code calls it.
void name_wake_word(CompactClassifier& classifier) {
  const core::Value* word = setting(classifier.metadata, "word");
  const auto* text = word != nullptr ? word->get_if<std::string>() : nullptr;
  if (!classifier.wake_word && text != nullptr) classifier.wake_word = *text;
}

}  // namespace

std::size_t CompactClassifier::parameters() const {
  std::size_t count = 0;
  visit(network, config, [&](const auto&, const Parameter& parameter, const auto&) {
    count += parameter.tensor.size();
  });
  return count;
}

bool is_compact(const NamedTensors& tensors) {
  const auto has = [&](std::string_view prefix) {
    return std::ranges::any_of(tensors,
                               [&](const auto& item) { return item.first.starts_with(prefix); });
  };
  return has("bridge") && (has("backbone.conv_") || has("backbone.conv0") || has("head."));
}

Result<CompactClassifier> load_compact(const NamedTensors& tensors, const core::Value& metadata) {
  const NamedTensors named = canonical(tensors);
  Weights weights(named);
  CompactClassifier classifier;
  WAKEBUILDER_TRY(classifier.config, infer_config(weights));
  WAKEBUILDER_CHECK(read_config(metadata, classifier.config));
  classifier.network = make_compact<Parameter>(classifier.config, is_folded(weights));
  WAKEBUILDER_CHECK(weights.load([&](auto&& f) {
    visit(classifier.network, classifier.config, std::forward<decltype(f)>(f));
  }));
  WAKEBUILDER_CHECK(weights.check_all_used("a " + std::string(kSource)));
  WAKEBUILDER_CHECK(check_variances(classifier.network, classifier.config));
  WAKEBUILDER_TRY(classifier.frames, read_frames(metadata));
  WAKEBUILDER_TRY(static_cast<Settings&>(classifier), read_settings(metadata));
  name_wake_word(classifier);
  return classifier;
}

Result<SpeechEmbedding<Parameter>> load_speech_embedding(const NamedTensors& tensors) {
  Weights weights(tensors);
  auto embedding = make_speech_embedding<Parameter>();
  WAKEBUILDER_CHECK(
      weights.load([&](auto&& f) { visit(embedding, "", std::forward<decltype(f)>(f)); }));
  WAKEBUILDER_CHECK(weights.check_all_used("speech embedding"));
  return embedding;
}

}  // namespace wakebuilder::model
