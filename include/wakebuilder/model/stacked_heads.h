// The heads of several compact networks, computed together on the tokens of one backbone.
//
// Ten wake words on one stream share its backbone; ten heads beside each other would still cost ten
// times fifty small operators, and most of such an operator's time is not arithmetic. Here the
// heads lie on top of each other in one more axis, H, and each operator works for all of them:
//
//   tokens [1, 2, 96] of a hop -> real and normalised [H, 2, 96] -> scores [H, heads, 1, N] and
//   values [H, heads, N, width] of the window -> attention -> SE -> TCN -> maximum -> FC
//   -> logits [H, 1, 2]
//
// The mathematics is classify()'s, rearranged where the window has a known length:
// - the projection behind the attention is linear, so it is done before: once for each new token
//   instead of once for each window that the token is in;
// - the window of five tokens is a band in a matrix of N x N: what is outside counts kMaskedOut;
// - the convolution of the TCN over three tokens is three products with moved tokens.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/model/compact.h"

namespace wakebuilder::model {

/// A matrix of each head, and what is added: [H, in, out], [H, 1, out].
template <class T>
struct StackedLinear {
  T weight, bias;
};

/// Weights of H heads with the same config, batch norms folded; C is config.width, N the tokens of
/// a window.
template <class T>
struct StackedHeads {
  T input_scale, input_shift;  ///< [H, 1, 96]
  T score, score_bias;         ///< [H, 96, heads], [H, heads, 1, 1]
  /// [H, heads, N, N]: what the place of token t counts for token n; kMaskedOut less outside of
  /// the window of n.
  T places;
  StackedLinear<T> project;         ///< to heads * C, but the bias [H, 1, C]
  StackedLinear<T> reduce, expand;  ///< of SE
  struct Block {
    StackedLinear<T> point;
    std::vector<T> taps;  ///< three of [H, 1, C]: the token before, its own, the one behind
    T bias;               ///< [H, 1, C]
  };
  std::vector<Block> tcn_block;
  std::vector<StackedLinear<T>> classifier;
};

/// Stacks the heads of networks for windows of `tokens`. The weights are called "stacked.score",
/// ... with `name` for "stacked".
/// @pre at least one network; the configs are `config`; batch norms folded (std::logic_error)
StackedHeads<Parameter> stack_heads(std::span<const Compact<Parameter>* const> networks,
                                    const CompactConfig& config, std::int64_t tokens,
                                    const std::string& name);

template <class Ops>
typename Ops::Value forward(Ops& op, const std::string& name,
                            const StackedLinear<typename Ops::Weight>& w, typename Ops::Value x) {
  return op.add(name + "_bias", op.matmul(name, x, op.value(w.weight)), op.value(w.bias));
}

/// What the heads know of a window's tokens: which are real, in the shapes that are needed.
template <class Ops>
struct StackedMask {
  typename Ops::Value rows;   ///< [1, N, 1], 1 real, 0 not
  typename Ops::Value minus;  ///< [1, 1, 1, N], 0 real, -kMaskedOut not
};

/// Attention, and the projection that stands before it here: fresh [H, n, 96] -> [H, N, C].
template <class Ops>
typename Ops::Value stacked_attention(Ops& op, const StackedHeads<typename Ops::Weight>& w,
                                      const CompactConfig& config, const TokenWindow& window,
                                      std::int64_t stack, typename Ops::Value fresh,
                                      const StackedMask<Ops>& mask) {
  const auto scope = op.scope("attention");
  const std::int64_t heads = config.heads;
  auto score = op.transpose("by_head", op.matmul("score", fresh, op.value(w.score)), {0, 2, 1});
  score = op.reshape("one_row", score, {stack, heads, 1, -1});
  score = op.add("score_bias", score, op.value(w.score_bias));
  score = of_window(op, window, "scores", score, 3, {stack, heads, 1, window.kept});
  score = op.add("real_scores", score, mask.minus);
  auto weights = op.softmax("weights", op.add("places", score, op.value(w.places)));
  weights = op.reshape("weights_of_heads", op.transpose("weights_by_token", weights, {0, 2, 1, 3}),
                       {stack, window.count, heads * window.count});
  // A product for each token: few rows are faster one by one, since nothing is packed.
  auto values =
      op.matmul("project", op.reshape("fresh_one_by_one", fresh, {stack, -1, 1, kEmbeddingDim}),
                op.value(w.project.weight, {stack, 1, kEmbeddingDim, heads * config.width}));
  values = op.reshape("values_of_heads", values, {stack, -1, heads, config.width});
  values = op.transpose("values_by_head", values, {0, 2, 1, 3});
  values = of_window(op, window, "values", values, 2, {stack, heads, window.kept, config.width});
  values = op.reshape("all_values", values, {stack, heads * window.count, config.width});
  const auto mixed =
      op.add("project_bias", op.matmul("mixed", weights, values), op.value(w.project.bias));
  return scope.result(op.mul("real_tokens", op.relu("relu", mixed), mask.rows));
}

/// [H, N, C] -> the same, gated by the mean over real tokens.
template <class Ops>
typename Ops::Value stacked_excitation(Ops& op, const StackedHeads<typename Ops::Weight>& w,
                                       typename Ops::Value x, const StackedMask<Ops>& mask) {
  const auto scope = op.scope("se_block");
  const auto count =
      op.at_least("at_least_one", op.reduce("count", mask.rows, Reduction::kSum, 1), 1.0);
  const auto mean = op.div("mean", op.reduce("sum", x, Reduction::kSum, 1), count);
  const auto squeezed = op.relu("relu", forward(op, "reduce", w.reduce, mean));
  return scope.result(
      op.mul("excite", x, op.sigmoid("gate", forward(op, "expand", w.expand, squeezed))));
}

/// [H, N, C] -> the same.
template <class Ops>
typename Ops::Value stacked_conv(Ops& op,
                                 const typename StackedHeads<typename Ops::Weight>::Block& w,
                                 std::int64_t dilation, std::int64_t tokens, typename Ops::Value x,
                                 const StackedMask<Ops>& mask) {
  const auto y =
      op.mul("real_tokens", op.relu("relu_0", forward(op, "point", w.point, x)), mask.rows);
  const auto padded = op.pad("padded", y, {0, dilation, 0}, {0, dilation, 0}, 0.0);
  auto sum = op.add("residual", x, op.value(w.bias));
  for (std::size_t i = 0; i < w.taps.size(); ++i) {
    const std::string number = "_" + std::to_string(i);
    const std::int64_t begin = static_cast<std::int64_t>(i) * dilation;
    const auto moved = op.slice("moved" + number, padded, 1, begin, begin + tokens);
    sum = op.add("sum" + number, sum, op.mul("tap" + number, moved, op.value(w.taps[i])));
  }
  return op.mul("out", op.relu("relu_1", sum), mask.rows);
}

/// The tokens that a hop of a stream brings, of a batch of one -> logits [H, 2] of the window.
///
/// @param stack  H
/// @pre hop.window.count > 0: windows of a known length
template <class Ops>
typename Ops::Value classify(Ops& op, const StackedHeads<typename Ops::Weight>& w,
                             const CompactConfig& config, const HopTokens<Ops>& hop,
                             std::int64_t stack) {
  const TokenWindow& window = hop.window;
  const auto mask = of_window(op, window, "token_mask", hop.fresh.mask, 2, {1, 1, window.kept});
  const StackedMask<Ops> masks = {
      .rows = op.reshape("mask_rows", mask, {1, window.count, 1}),
      .minus = op.scale(
          "masked_out",
          op.shift("mask_minus_one", op.reshape("mask_row", mask, {1, 1, 1, window.count}), -1.0),
          kMaskedOut)};
  auto x = op.transpose("by_token", hop.fresh.values, {0, 2, 1});
  x = op.mul("input_scale", x, op.value(w.input_scale));
  x = op.add("input_shift", x, op.value(w.input_shift));
  x = op.mul("real_input", x, op.transpose("fresh_mask", hop.fresh.mask, {0, 2, 1}));
  x = stacked_attention(op, w, config, window, stack, x, masks);
  x = stacked_excitation(op, w, x, masks);
  for (std::size_t i = 0; i < w.tcn_block.size(); ++i) {
    const auto scope = op.scope("tcn_block_" + std::to_string(i));
    x = scope.result(stacked_conv(op, w.tcn_block[i], config.dilations[i], window.count, x, masks));
  }
  const auto away = op.reshape("masked_rows", masks.minus, {1, window.count, 1});
  x = op.reduce("maximum", op.add("real", x, away), Reduction::kMax, 1);
  for (std::size_t i = 0; i < w.classifier.size(); ++i) {
    const std::string number = "_" + std::to_string(i);
    x = forward(op, "linear" + number, w.classifier[i], x);
    if (i + 1 < w.classifier.size()) x = op.relu("relu" + number, x);
  }
  return op.reshape("logits", x, {stack, 2});
}

}  // namespace wakebuilder::model
