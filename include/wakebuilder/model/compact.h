// The compact network: AST features in, logits out, small enough for a phone.
//
//   input_values [batch, T, 128] -> bridge -> speech embedding -> self-attention pooling -> SE ->
//   TCN
//   -> maximum over tokens -> FC 256 -> 128 -> logits [batch, 2]
//
// The features are the AST's: (log mel - mean) / (2 std), padded at the end by rows of one value.
// Nothing in the forward pass depends on T >= 76. Padded frames are told by that value, and tokens
// that saw nothing but padding are left out of every mean, softmax and maximum: a clip padded to
// 1024 frames and the same padded only as far as its last token reaches have the same logits.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "wakebuilder/model/front_end.h"
#include "wakebuilder/model/layers.h"
#include "wakebuilder/model/speech_embedding.h"
#include "wakebuilder/model/timeline.h"

namespace wakebuilder::model {

inline constexpr double kCompactNormEpsilon = 1e-5;
inline constexpr std::int64_t kCompactFrames = 1024;  ///< of the declared input, by default
inline constexpr std::int64_t kStreamFrames = 160;    ///< window of a stream, by default: 1.6 s
inline constexpr std::int64_t kMaxFrames = 65536;     ///< of a declared input: 11 minutes
inline constexpr std::size_t kDropouts =
    2;  ///< layers of the classifier with dropout before, in training
inline constexpr double kMaskedOut = 1e4;  ///< taken off what must not count

struct CompactConfig {
  double feature_mean = -4.2677393;  ///< of the features that it was trained on
  double feature_std = 4.5689974;
  std::int64_t heads = 4;
  std::int64_t window = 5;  ///< tokens that the pooling looks at, odd
  std::int64_t width = 128;
  std::int64_t se_dim = 32;
  std::vector<std::int64_t> dilations = {1, 2};  ///< one TCN block each
  std::vector<std::int64_t> hidden_dims = {256, 128};

  friend bool operator==(const CompactConfig&, const CompactConfig&) = default;

  /// What padded frames hold: (0 - mean) / (2 std).
  double padding_value() const { return (0.0 - feature_mean) / (2.0 * feature_std); }
};

/// Tokens of a window of this many frames.
inline constexpr std::int64_t tokens_of(std::int64_t frames) {
  return (frames - kEmbeddingFrames) / kEmbeddingFrameStride + 1;
}

/// A convolution with the batch norm behind it; without, once it is folded in.
template <class T>
struct NormedConv {
  Conv<T> conv;
  std::optional<BatchNorm<T>> norm;
};

/// Each token becomes `heads` weighted means of itself and its neighbours, weighted by softmax of a
/// score of the neighbour plus one of its place; then a projection.
template <class T>
struct AttentionPooling {
  Conv<T> score;  ///< [heads, 96, 1]
  T position;     ///< [window, heads]
  NormedConv<T> project;
};

/// y = relu(x + depth(relu(point(x)))), depth over three tokens `dilation` apart.
template <class T>
struct SeparableConv {
  NormedConv<T> point, depth;
};

template <class T>
struct CompactSqueezeExcitation {
  Conv<T> reduce, expand;
};

template <class T>
struct Compact {
  T bridge;  ///< [128, 32], from powers of the AST's mel bins to those of the embedding
  SpeechEmbedding<T> backbone;
  std::variant<BatchNorm<T>, Norm<T>> input_norm;  ///< the second: folded to scale and shift
  AttentionPooling<T> attention;
  CompactSqueezeExcitation<T> se_block;
  std::vector<SeparableConv<T>> tcn_block;
  std::vector<Linear<T>> classifier;
};

/// Empty weights; faithful, or with the batch norms folded as model/fold.h folds them.
template <class T>
Compact<T> make_compact(const CompactConfig& config, bool is_folded = false) {
  const Conv<T> with_bias{.weight = {}, .bias = T{}};
  const Conv<T> without_bias{};
  const NormedConv<T> folded = {with_bias, {}};
  const BatchNorm<T> norm{};
  Compact<T> compact;
  compact.backbone = make_speech_embedding<T>();
  if (is_folded) compact.input_norm = Norm<T>{};
  compact.attention = {.score = with_bias,
                       .position = {},
                       .project = is_folded ? folded : NormedConv<T>{with_bias, norm}};
  compact.se_block = {.reduce = with_bias, .expand = with_bias};
  const NormedConv<T> normed = is_folded ? folded : NormedConv<T>{without_bias, norm};
  compact.tcn_block.resize(config.dilations.size(), {.point = normed, .depth = normed});
  compact.classifier.resize(config.hidden_dims.size() + 1);
  return compact;
}

// ---- names and shapes ----

template <LayerOf<NormedConv> W, class F>
void visit(W& w, const std::string& conv, const std::string& norm, const core::Shape& shape,
           F&& f) {
  visit_conv(w.conv, w.norm ? conv : conv + ".folded", shape, f);
  if (w.norm) visit_batch_norm(*w.norm, norm, shape[0], f);
}

/// Calls f(name, weight, shape) for every weight (docs/formats/compact.md).
template <LayerOf<Compact> W, class F>
void visit(W& w, const CompactConfig& config, F&& f) {
  f("bridge", w.bridge, core::Shape{kFeatureBins, kEmbeddingBins});
  visit(w.backbone, "backbone.", f);
  if (auto* norm = std::get_if<0>(&w.input_norm)) {
    visit_batch_norm(*norm, "head.input_norm", kEmbeddingDim, f);
  } else {
    visit_norm(std::get<1>(w.input_norm), "head.input_norm.folded", kEmbeddingDim, f);
  }
  auto& [score, position, project] = w.attention;
  const std::int64_t width = config.width;
  visit_conv(score, "head.attention.score", {config.heads, kEmbeddingDim, 1}, f);
  f("head.attention.position", position, core::Shape{config.window, config.heads});
  visit(project, "head.attention.project", "head.attention.norm",
        {width, config.heads * kEmbeddingDim, 1}, f);
  visit_conv(w.se_block.reduce, "head.se_block.fc.0", {config.se_dim, width, 1}, f);
  visit_conv(w.se_block.expand, "head.se_block.fc.2", {width, config.se_dim, 1}, f);
  for (std::size_t i = 0; i < w.tcn_block.size(); ++i) {
    const std::string block = "head.tcn_block." + std::to_string(i);
    visit(w.tcn_block[i].point, block + ".point", block + ".norm_0", {width, width, 1}, f);
    visit(w.tcn_block[i].depth, block + ".depth", block + ".norm_1", {width, 1, 3}, f);
  }
  std::int64_t in = width;
  for (std::size_t i = 0; i < w.classifier.size(); ++i) {
    const std::int64_t out = i < config.hidden_dims.size() ? config.hidden_dims[i] : 2;
    visit_linear(w.classifier[i], "head.classifier." + std::to_string(i), in, out, f);
    in = out;
  }
}

// ---- forward pass ----

/// Features of the AST as the embedding hears: mel [batch, 1, T, 32]; and which frames are real,
/// [batch, T, 1], a condition.
template <class Ops>
struct Bridged {
  typename Ops::Value mel, real;
};

template <class Ops>
Bridged<Ops> cross_bridge(Ops& op, const typename Ops::Weight& bridge, const CompactConfig& config,
                          typename Ops::Value x) {
  const auto scope = op.scope("bridge");
  const auto distance = op.abs("distance", op.shift("from_padding", x, -config.padding_value()));
  const auto real = op.greater("real", op.reduce("farthest", distance, Reduction::kMax, 2), 1e-5);
  const auto log_mel =
      op.shift("log_mel", op.scale("unscaled", x, 2.0 * config.feature_std), config.feature_mean);
  const auto power = op.choose("power", real, op.exp("exp", log_mel), audio::kMelFloor);
  const auto heard = op.at_least("heard", op.matmul("crossed", power, op.value(bridge)), 1e-3);
  const auto mel =
      op.shift("mel", op.scale("log10", op.log("log", heard), 1.0 / std::log(10.0)), 2.0);
  return {.mel = op.unsqueeze("image", scope.result(mel), 1), .real = real};
}

/// conv, and the batch norm where it is not folded.
template <class Ops>
typename Ops::Value forward(Ops& op, const std::string& name,
                            const NormedConv<typename Ops::Weight>& w, typename Ops::Value x,
                            const ConvGeometry& geometry = {}) {
  const auto y = op.conv(name, x, w.conv, geometry);
  return w.norm ? op.batch_norm(name + "_norm", y, *w.norm, kCompactNormEpsilon) : y;
}

/// The tokens around each, [batch, c, N] -> [batch, window, c, N]: from (window - 1) / 2 before to
/// as many behind, zeros where there is none.
template <class Ops>
typename Ops::Value neighbours(Ops& op, typename Ops::Value x, std::int64_t channels,
                               std::int64_t window) {
  const std::int64_t side = window / 2;
  const auto padded = op.pad("padded", x, {0, 0, side}, {0, 0, side}, 0.0);
  std::vector<typename Ops::Value> moved;
  for (std::int64_t i = 0; i < window; ++i) {
    const std::int64_t end = i + 1 == window ? kToTheEnd : i + 1 - window;
    moved.push_back(op.slice("near_" + std::to_string(i), padded, 2, i, end));
  }
  return op.reshape("near", op.concat("all_near", moved, 1), {0, window, channels, -1});
}

/// x [batch, 96, N] -> [batch, width, N]. Scores, mask and values look around together, so that the
/// graph has few nodes: a token that is masked, or beyond the ends, has mask 0 and its score counts
/// 1e4 less.
template <class Ops>
typename Ops::Value forward(Ops& op, const AttentionPooling<typename Ops::Weight>& w,
                            const CompactConfig& config, typename Ops::Value x,
                            typename Ops::Value mask) {
  const auto scope = op.scope("attention");
  const std::int64_t heads = config.heads;
  const auto together = op.concat("together", {op.conv("score", x, w.score, {}), mask, x}, 1);
  const auto near = op.transpose(
      "by_token", neighbours(op, together, heads + 1 + kEmbeddingDim, config.window), {0, 3, 1, 2});
  const auto near_mask = op.slice("near_mask", near, 3, heads, heads + 1);
  const auto minus =
      op.scale("masked_out", op.shift("mask_minus_one", near_mask, -1.0), kMaskedOut);
  const auto own =
      op.add("positions", op.slice("near_scores", near, 3, 0, heads), op.value(w.position));
  const auto weights =
      op.softmax("weights", op.transpose("by_head", op.add("scores", own, minus), {0, 1, 3, 2}));
  const auto values = op.slice("near_values", near, 3, heads + 1, kToTheEnd);
  const auto mixed = op.reshape("heads_joined", op.matmul("mixed", weights, values),
                                {0, 0, heads * kEmbeddingDim});
  const auto y = forward(op, "project", w.project, op.transpose("channels", mixed, {0, 2, 1}));
  return scope.result(op.mul("real_tokens", op.relu("relu", y), mask));
}

/// x [batch, width, N] -> the same, gated by the mean over real tokens.
template <class Ops>
typename Ops::Value forward(Ops& op, const CompactSqueezeExcitation<typename Ops::Weight>& w,
                            typename Ops::Value x, typename Ops::Value mask) {
  const auto scope = op.scope("se_block");
  const auto count = op.at_least("at_least_one", op.reduce("count", mask, Reduction::kSum, 2), 1.0);
  const auto mean = op.div("mean", op.reduce("sum", x, Reduction::kSum, 2), count);
  const auto squeezed = op.relu("relu", op.conv("reduce", mean, w.reduce, {}));
  const auto gate = op.sigmoid("gate", op.conv("expand", squeezed, w.expand, {}));
  return scope.result(op.mul("excite", x, gate));
}

template <class Ops>
typename Ops::Value forward(Ops& op, const SeparableConv<typename Ops::Weight>& w,
                            std::int64_t dilation, std::int64_t width, typename Ops::Value x,
                            typename Ops::Value mask) {
  auto y = op.mul("real_tokens", op.relu("relu_0", forward(op, "point", w.point, x)), mask);
  y = forward(op, "depth", w.depth, y,
              {.padding = {dilation}, .stride = {}, .dilation = {dilation}, .groups = width});
  return op.mul("out", op.relu("relu_1", op.add("residual", x, y)), mask);
}

/// Tokens [batch, 96, N] and their mask [batch, 1, N] (1 real, 0 not) -> logits [batch, 2].
template <class Ops>
typename Ops::Value classify(Ops& op, const Compact<typename Ops::Weight>& w,
                             const CompactConfig& config, typename Ops::Value x,
                             typename Ops::Value mask) {
  if (const auto* norm = std::get_if<0>(&w.input_norm)) {
    x = op.batch_norm("input_norm", x, *norm, kCompactNormEpsilon);
  } else {
    const auto& folded = std::get<1>(w.input_norm);
    x = op.mul("input_scale", x, op.value(folded.weight, {kEmbeddingDim, 1}));
    x = op.add("input_shift", x, op.value(folded.bias, {kEmbeddingDim, 1}));
  }
  x = op.drop_channels("channels", op.mul("real_input", x, mask));
  x = forward(op, w.attention, config, x, mask);
  x = forward(op, w.se_block, x, mask);
  for (std::size_t i = 0; i < w.tcn_block.size(); ++i) {
    const auto scope = op.scope("tcn_block_" + std::to_string(i));
    x = scope.result(forward(op, w.tcn_block[i], config.dilations[i], config.width, x, mask));
  }
  {
    const auto scope = op.scope("pooled");
    const auto minus = op.scale("masked_out", op.shift("mask_minus_one", mask, -1.0), kMaskedOut);
    const auto most = op.reduce("maximum", op.add("real", x, minus), Reduction::kMax, 2);
    x = scope.result(op.squeeze("clip", most, 2));
  }
  const auto scope = op.scope("classifier");
  for (std::size_t i = 0; i < w.classifier.size(); ++i) {
    const std::string number = "_" + std::to_string(i);
    if (i < kDropouts) x = op.dropout("dropout" + number, x);
    x = op.linear("linear" + number, x, w.classifier[i]);
    if (i + 1 < w.classifier.size()) x = op.relu("relu" + number, x);
  }
  return scope.result(x);
}

/// What the backbone makes of features: tokens [batch, 96, N] and their mask [batch, 1, N].
template <class Ops>
struct Tokens {
  typename Ops::Value values, mask;
};

/// Which tokens of a stream a score sees.
struct TokenWindow {
  std::int64_t count = 0;   ///< 0: no stream; the tokens are all of the window
  std::int64_t kept = 0;    ///< of the hops before
  bool is_shorter = false;  ///< than the kept and the new ones: windows begin on the grid of hops
};

/// The values of the window along an axis, from those of a hop. @param state  of the kept ones
template <class Ops>
typename Ops::Value of_window(Ops& op, const TokenWindow& window, const std::string& name,
                              typename Ops::Value x, std::int64_t axis, const core::Shape& state) {
  if (window.count == 0) return x;
  x = op.past(name, x, axis, state);
  return window.is_shorter ? op.slice(name + "_window", x, axis, 0, window.count) : x;
}

/// The tokens that an input brings, and the window that they are the end of.
template <class Ops>
struct HopTokens {
  Tokens<Ops> fresh;
  TokenWindow window;
};

/// input_values [batch, T, 128] -> tokens.
///
/// @param time    where the frames lie in their stream; only streams make use of it
/// @param window  frames of a score in a stream; 0: the input is a whole window
template <class Ops>
HopTokens<Ops> tokens_of_features(Ops& op, const Compact<typename Ops::Weight>& w,
                                  const CompactConfig& config, typename Ops::Value input_values,
                                  Timeline& time, std::int64_t window) {
  const Bridged<Ops> bridged = cross_bridge(op, w.bridge, config, input_values);
  auto mask = op.unsqueeze("mask_image", op.to_float("mask_frames", bridged.real), 1);
  Timeline mask_time = time;
  const std::int64_t past = mask_time.slide(kEmbeddingFrames, kEmbeddingFrameStride);
  mask = op.past("mask", mask, 2, {0, 1, past, 1});
  mask = op.max_pool("mask_tokens", mask, {kEmbeddingFrames, 1}, {kEmbeddingFrameStride, 1});
  mask = op.squeeze("mask", mask, 3);
  const auto tokens = forward(op, w.backbone, bridged.mel, time);
  if (window == 0) return {{tokens, mask}, {}};
  const std::int64_t count = tokens_of(window);
  const std::int64_t kept = time.slide(count, time.steps());
  return {{tokens, mask},
          {.count = count, .kept = kept, .is_shorter = kept + mask_time.steps() > count}};
}

/// All tokens of the window.
template <class Ops>
Tokens<Ops> tokens_of_window(Ops& op, const HopTokens<Ops>& hop) {
  const std::int64_t kept = hop.window.kept;
  const auto values =
      of_window(op, hop.window, "tokens", hop.fresh.values, 2, {0, kEmbeddingDim, kept});
  return {values, of_window(op, hop.window, "token_mask", hop.fresh.mask, 2, {0, 1, kept})};
}

}  // namespace wakebuilder::model
