#include "wakebuilder/model/network.h"

#include <algorithm>

namespace wakebuilder::model {
namespace {

Result<GraphOptions> resolve_for(const Classifier& /*network*/, const GraphOptions& options) {
  if (options == GraphOptions{}) return options;
  return fail(
      ErrorCode::kInvalidArgument,
      "the graph head takes embeddings of one clip: --input waveform, --stream and --frames "
      "are for networks that hear sound");
}

Result<GraphOptions> resolve_for(const CompactClassifier& network, GraphOptions options) {
  if (options.frames == 0) options.frames = options.stream ? kStreamFrames : network.frames;
  if (options.frames < kEmbeddingFrames || options.frames > kMaxFrames) {
    return fail(ErrorCode::kInvalidArgument,
                "frames: expected " + std::to_string(kEmbeddingFrames) + " to " +
                    std::to_string(kMaxFrames) + ", found " + std::to_string(options.frames));
  }
  return options;
}

Result<GraphOptions> resolve_for(const AstClassifier& network, GraphOptions options) {
  const std::int64_t frames = network.config.max_length;
  if (options.stream) {
    return fail(ErrorCode::kInvalidArgument,
                "the graph ast looks at a whole window at once and has no stream");
  }
  if (options.frames != 0 && options.frames != frames) {
    return fail(ErrorCode::kInvalidArgument,
                "frames: expected " + std::to_string(frames) +
                    ", for which the positions of this AST were trained, found " +
                    std::to_string(options.frames));
  }
  if (options.waveform && !(network.feature_mean && network.feature_std)) {
    return fail(ErrorCode::kInvalidArgument,
                "--input waveform: expected preprocessor_config.json beside the base, which says "
                "mean and std of its features, found none");
  }
  options.frames = frames;
  return options;
}

std::string name_of(const Classifier& /*network*/) { return "head"; }
std::string name_of(const CompactClassifier& /*network*/) { return "compact"; }

std::string name_of(const AstClassifier& /*network*/) { return "ast"; }

GraphInput input_for(const AstClassifier& /*network*/, const GraphOptions& options) {
  if (options.waveform) return {.name = "waveform", .row = {-1}};
  return {.name = "input_values", .row = {options.frames, kFeatureBins}};
}

GraphInput input_for(const Classifier& network, const GraphOptions& /*options*/) {
  return {.name = "embeddings", .row = {network.config.embedding_dim}};
}

GraphInput input_for(const CompactClassifier& /*network*/, const GraphOptions& options) {
  if (options.waveform) {
    const std::int64_t samples = options.stream ? kHopFrames * kFrameShift : -1;
    return {.name = "waveform", .row = {samples}};
  }
  return {.name = "input_values",
          .row = {options.stream ? kHopFrames : options.frames, kFeatureBins}};
}

Network folded(Classifier network) {
  network.head = fold(network.head, network.config);
  return network;
}

Network folded(CompactClassifier network) {
  network.network = fold(network.network);
  return network;
}

Network folded(AstClassifier network) {
  if (auto* head = std::get_if<Classifier>(&network.head))
    head->head = fold(head->head, head->config);
  return network;
}

bool has_wakebuilder_head(const NamedTensors& tensors) {
  return std::ranges::any_of(
      tensors, [](const auto& item) { return item.first.ends_with("input_norm.weight"); });
}

bool same_bytes(const Parameter& a, const Parameter& b) {
  return a.tensor.shape() == b.tensor.shape() &&
         std::ranges::equal(a.tensor.bytes(), b.tensor.bytes());
}

}  // namespace

Result<Network> load_network(const NamedTensors& tensors, const core::Value& metadata,
                             const std::optional<AstConfig>& config) {
  // Converted with map: tl::expected's converting constructor leaks a value of the wider type.
  const auto as_network = [](auto known) { return Network(std::move(known)); };
  if (is_compact(tensors)) return load_compact(tensors, metadata).map(as_network);
  if (holds_ast(tensors) && !has_wakebuilder_head(tensors))
    return load_ast_classifier(tensors, metadata, config).map(as_network);
  return load_classifier(tensors, metadata).map(as_network);
}

const Settings& settings_of(const Network& network) {
  return std::visit([](const auto& known) -> const Settings& { return known; }, network);
}

std::string graph_name(const Network& network) {
  return std::visit([](const auto& known) { return name_of(known); }, network);
}

Network fold(const Network& network) {
  return std::visit([](const auto& known) { return folded(known); }, network);
}

bool shares_backbone(const CompactClassifier& a, const CompactClassifier& b) {
  if (a.config.feature_mean != b.config.feature_mean ||
      a.config.feature_std != b.config.feature_std)
    return false;
  bool is_same = same_bytes(a.network.bridge, b.network.bridge);
  std::vector<const Parameter*> others;
  visit(b.network.backbone, "",
        [&](const auto&, const Parameter& weight, const auto&) { others.push_back(&weight); });
  std::size_t next = 0;
  visit(a.network.backbone, "", [&](const auto&, const Parameter& weight, const auto&) {
    is_same = is_same && same_bytes(weight, *others[next++]);
  });
  return is_same;
}

Result<GraphOptions> resolve(const Network& network, GraphOptions options) {
  return std::visit([&](const auto& known) { return resolve_for(known, options); }, network);
}

GraphInput input_of(const Network& network, const GraphOptions& options) {
  return std::visit([&](const auto& known) { return input_for(known, options); }, network);
}

std::int64_t warm_up_hops(const GraphOptions& options) {
  // The last token of a window comes with the hop that brings its last frame.
  const std::int64_t last_frame =
      (tokens_of(options.frames) - 1) * kEmbeddingFrameStride + kEmbeddingFrames - 1;
  const std::int64_t samples = last_frame * kFrameShift + kFrameLength;
  const std::int64_t needed =
      options.waveform ? (samples + kFrameShift - 1) / kFrameShift : last_frame + 1;
  return (needed + kHopFrames - 1) / kHopFrames - 1;
}

}  // namespace wakebuilder::model
