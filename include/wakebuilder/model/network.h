// A network of any architecture, and the graphs that can be made of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "wakebuilder/core/result.h"
#include "wakebuilder/model/classifier.h"
#include "wakebuilder/model/compact.h"
#include "wakebuilder/model/fold.h"
#include "wakebuilder/model/front_end.h"
#include "wakebuilder/model/load_ast.h"
#include "wakebuilder/model/load_compact.h"

namespace wakebuilder::model {

using Network = std::variant<Classifier, CompactClassifier, AstClassifier>;

/// Loads whatever architecture the tensors are of. Of a whole model with WakeBuilder's classifier
/// it takes the classifier alone; load_ast_classifier() takes all of it. Errors: as
/// load_classifier, load_compact, load_ast_classifier.
/// `config` is that of an AST, if a file says it.
Result<Network> load_network(const NamedTensors& tensors, const core::Value& metadata,
                             const std::optional<AstConfig>& config = std::nullopt);

const Settings& settings_of(const Network& network);

/// The name of the graph that a network gives: "head", "compact", "ast".
std::string graph_name(const Network& network);

/// The same network with everything folded that fold.h can fold.
Network fold(const Network& network);

/// True when two compact networks hear through the same backbone: then one pass of it serves both.
bool shares_backbone(const CompactClassifier& a, const CompactClassifier& b);

/// Which graph of a network.
struct GraphOptions {
  bool waveform = false;  ///< samples in, instead of features
  bool stream = false;    ///< the step of one hop, instead of a whole window
  /// Frames of a window. 0: what the checkpoint says, and kStreamFrames in a stream.
  std::int64_t frames = 0;

  friend bool operator==(const GraphOptions&, const GraphOptions&) = default;
};

/// The options with `frames` filled in. Errors: kInvalidArgument for a graph that the network does
/// not have (a head takes embeddings, whole), and for frames out of range.
Result<GraphOptions> resolve(const Network& network, GraphOptions options);

/// The input of a graph: its name, and the shape of one row of the batch; -1 for any length.
struct GraphInput {
  std::string name;
  core::Shape row;
};

/// @pre options are resolved
GraphInput input_of(const Network& network, const GraphOptions& options);

/// Rows of padding that a compact network needs behind a clip so that every token that sees a part
/// of it is there: one token's frames.
inline constexpr std::int64_t kCompactPadding = kEmbeddingFrames;

/// embeddings [batch, D] -> logits [batch, 2].
template <class Ops>
typename Ops::Value forward(Ops& op, const Classifier& classifier, const GraphOptions& /*options*/,
                            typename Ops::Value x) {
  return forward(op, classifier.head, classifier.config, x);
}

/// input_values [batch, frames, 128], or waveform [batch, samples] -> tokens; in a stream the
/// frames or samples of one hop.
template <class Ops>
HopTokens<Ops> tokens_of_sound(Ops& op, const CompactClassifier& classifier,
                               const GraphOptions& options, typename Ops::Value x) {
  const CompactConfig& config = classifier.config;
  const FrontEndConfig front = {.mean = config.feature_mean,
                                .std = config.feature_std,
                                .frames = options.frames,
                                .padding = kCompactPadding};
  if (!options.stream) {
    Timeline whole(kHopFrames);
    if (options.waveform) x = window_features(op, make_front_end(), front, x);
    return tokens_of_features(op, classifier.network, config, x, whole, 0);
  }
  Timeline time(options.waveform ? kHopFrames * kFrameShift : kHopFrames);
  if (options.waveform) x = log_mel_features(op, make_front_end(), front, x, time);
  return tokens_of_features(op, classifier.network, config, x, time, options.frames);
}

/// The same -> logits [batch, 2].
template <class Ops>
typename Ops::Value forward(Ops& op, const CompactClassifier& classifier,
                            const GraphOptions& options, typename Ops::Value x) {
  const auto hop = tokens_of_sound(op, classifier, options, x);
  const auto tokens = tokens_of_window(op, hop);
  return classify(op, classifier.network, classifier.config, tokens.values, tokens.mask);
}

/// input_values [batch, T, 128], or waveform [batch, samples] -> logits [batch, 2].
template <class Ops>
typename Ops::Value forward(Ops& op, const AstClassifier& network, const GraphOptions& options,
                            typename Ops::Value x) {
  if (options.waveform) {
    const FrontEndConfig front = {.mean = network.feature_mean.value(),
                                  .std = network.feature_std.value(),
                                  .frames = network.config.max_length,
                                  .padding = network.config.max_length};
    x = window_features(op, make_front_end(), front, x);
  }
  {
    const auto scope = op.scope("ast");
    x = scope.result(forward(op, network.backbone, network.config, x));
  }
  if (const auto* head = std::get_if<Classifier>(&network.head))
    return forward(op, head->head, head->config, x);
  return forward(op, std::get<1>(network.head), network.config, x);
}

/// The graph of a network. @pre options are resolved
template <class Ops>
typename Ops::Value forward(Ops& op, const Network& network, const GraphOptions& options,
                            typename Ops::Value x) {
  return std::visit([&](const auto& known) { return forward(op, known, options, x); }, network);
}

/// Hops before the first whole window of a stream: score 0 comes with hop warm_up_hops().
std::int64_t warm_up_hops(const GraphOptions& options);

}  // namespace wakebuilder::model
