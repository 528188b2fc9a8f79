// WakeBuilder's classifier head: an embedding of the Audio Spectrogram Transformer in, logits out.
//
//   embeddings [batch, D] -> input_norm -> [attention] -> [se_block] -> [tcn_block] -> hidden
//   layers -> logits [batch, 2]
//
// The blocks in brackets are optional. The head sees a sequence of length one: attention has one
// key, and the convolutions see zeros beside the middle. fold.h makes use of that; forward() below
// takes both forms. Class 1 is the wake word. Source of names and maths: WakeBuilder,
// src/wakebuilder/models/classifier.py.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "wakebuilder/model/layers.h"

namespace wakebuilder::model {

/// Dimensions and blocks of a head.
struct HeadConfig {
  std::int64_t embedding_dim = 768;
  std::vector<std::int64_t> hidden_dims = {256, 128};
  bool use_attention = false;
  bool use_se_block = false;
  bool use_tcn = false;
  std::int64_t se_dim =
      192;  ///< width inside the SE block; max(embedding_dim / 4, 32) in WakeBuilder

  friend bool operator==(const HeadConfig&, const HeadConfig&) = default;
};

inline constexpr std::int64_t kAttentionHeads = 4;
inline constexpr std::int64_t kTcnKernel = 3;
inline constexpr std::int64_t kClasses = 2;
inline constexpr double kNormEpsilon = 1e-5;

/// y = norm(x + attention(x)).
template <class T>
struct SelfAttention {
  MultiheadAttention<T> attention;
  Norm<T> norm;
};

/// The same for one token: softmax over one key is 1, so attention is one matrix.
template <class T>
struct FoldedSelfAttention {
  Linear<T> mix;
  Norm<T> norm;
};

/// y = x · sigmoid(expand(relu(reduce(x)))) (Hu et al. 2018, "Squeeze-and-Excitation Networks").
template <class T>
struct SqueezeExcitation {
  Linear<T> reduce, expand;
};

/// y = gelu(norm_1(conv_1(gelu(norm_0(conv_0(x))))) + x), norms over all channels (GroupNorm with
/// one group).
template <class T>
struct TemporalConv {
  Conv<T> conv_0;
  Norm<T> norm_0;
  Conv<T> conv_1;
  Norm<T> norm_1;
};

/// The same for one token: only the middle tap of each kernel acts.
template <class T>
struct FoldedTemporalConv {
  Linear<T> conv_0;
  Norm<T> norm_0;
  Linear<T> conv_1;
  Norm<T> norm_1;
};

/// y = gelu(norm(linear(x))), with dropout behind it in training alone.
template <class T>
struct HiddenLayer {
  Linear<T> linear;
  Norm<T> norm;
};

template <class T>
struct Head {
  Norm<T> input_norm;
  std::optional<std::variant<SelfAttention<T>, FoldedSelfAttention<T>>> attention;
  std::optional<SqueezeExcitation<T>> se_block;
  std::optional<std::variant<TemporalConv<T>, FoldedTemporalConv<T>>> tcn_block;
  std::vector<HiddenLayer<T>> hidden;
  Linear<T> output;
};

/// A head of empty weights, faithful (not folded), with the blocks that the config asks for.
template <class T>
Head<T> make_head(const HeadConfig& config) {
  Head<T> head;
  if (config.use_attention) head.attention = SelfAttention<T>{};
  if (config.use_se_block) head.se_block = SqueezeExcitation<T>{};
  if (config.use_tcn) {
    head.tcn_block = TemporalConv<T>{.conv_0 = {.weight = {}, .bias = T{}},
                                     .norm_0 = {},
                                     .conv_1 = {.weight = {}, .bias = T{}},
                                     .norm_1 = {}};
  }
  head.hidden.resize(config.hidden_dims.size());
  return head;
}

// ---- names and shapes ----

template <LayerOf<SelfAttention> W, class F>
void visit(W& w, std::int64_t width, F&& f) {
  visit_attention(w.attention, "attention.attention", width, f);
  visit_norm(w.norm, "attention.norm", width, f);
}

template <LayerOf<FoldedSelfAttention> W, class F>
void visit(W& w, std::int64_t width, F&& f) {
  visit_linear(w.mix, "attention.folded", width, width, f);
  visit_norm(w.norm, "attention.norm", width, f);
}

template <LayerOf<SqueezeExcitation> W, class F>
void visit(W& w, std::int64_t width, std::int64_t inner, F&& f) {
  visit_linear(w.reduce, "se_block.fc.0", width, inner, f);
  visit_linear(w.expand, "se_block.fc.2", inner, width, f);
}

template <LayerOf<TemporalConv> W, class F>
void visit(W& w, std::int64_t width, F&& f) {
  visit_conv(w.conv_0, "tcn_block.conv.0", {width, width, kTcnKernel}, f);
  visit_norm(w.norm_0, "tcn_block.conv.1", width, f);
  visit_conv(w.conv_1, "tcn_block.conv.3", {width, width, kTcnKernel}, f);
  visit_norm(w.norm_1, "tcn_block.conv.4", width, f);
}

template <LayerOf<FoldedTemporalConv> W, class F>
void visit(W& w, std::int64_t width, F&& f) {
  visit_linear(w.conv_0, "tcn_block.conv.0.middle_tap", width, width, f);
  visit_norm(w.norm_0, "tcn_block.conv.1", width, f);
  visit_linear(w.conv_1, "tcn_block.conv.3.middle_tap", width, width, f);
  visit_norm(w.norm_1, "tcn_block.conv.4", width, f);
}

/// Calls f(name, weight, shape) for every weight of a head of this config, in PyTorch's order.
template <LayerOf<Head> W, class F>
void visit(W& w, const HeadConfig& config, F&& f) {
  const std::int64_t width = config.embedding_dim;
  visit_norm(w.input_norm, "input_norm", width, f);
  if (w.attention) std::visit([&](auto& block) { visit(block, width, f); }, *w.attention);
  if (w.se_block) visit(*w.se_block, width, config.se_dim, f);
  if (w.tcn_block) std::visit([&](auto& block) { visit(block, width, f); }, *w.tcn_block);
  std::int64_t in = width;
  std::size_t index = 0;  // Linear, LayerNorm, GELU, Dropout: four modules a hidden layer
  for (auto& layer : w.hidden) {
    const std::int64_t out = config.hidden_dims[index / 4];
    visit_linear(layer.linear, "classifier." + std::to_string(index), in, out, f);
    visit_norm(layer.norm, "classifier." + std::to_string(index + 1), out, f);
    in = out;
    index += 4;
  }
  visit_linear(w.output, "classifier." + std::to_string(index), in, kClasses, f);
}

// ---- forward pass ----

template <class Ops>
using Value = typename Ops::Value;

/// x [batch, width], one token each.
template <class Ops>
Value<Ops> forward(Ops& op, const SelfAttention<typename Ops::Weight>& w, std::int64_t width,
                   Value<Ops> x) {
  const auto scope = op.scope("attention");
  const auto qkv = op.unsqueeze("tokens", op.linear("in_proj", x, w.attention.in_proj), 1);
  const auto mixed = op.squeeze("embedding", attend(op, qkv, 1, width, kAttentionHeads), 1);
  const auto attended = op.linear("out_proj", mixed, w.attention.out_proj);
  return scope.result(op.layer_norm("norm", op.add("residual", x, attended), w.norm, kNormEpsilon));
}

template <class Ops>
Value<Ops> forward(Ops& op, const FoldedSelfAttention<typename Ops::Weight>& w,
                   std::int64_t /*width*/, Value<Ops> x) {
  const auto scope = op.scope("attention");
  const auto attended = op.linear("folded", x, w.mix);
  return scope.result(op.layer_norm("norm", op.add("residual", x, attended), w.norm, kNormEpsilon));
}

template <class Ops>
Value<Ops> forward(Ops& op, const SqueezeExcitation<typename Ops::Weight>& w, Value<Ops> x) {
  const auto scope = op.scope("se_block");
  const auto squeezed = op.relu("relu", op.linear("reduce", x, w.reduce));
  const auto gate = op.sigmoid("gate", op.linear("expand", squeezed, w.expand));
  return scope.result(op.mul("excite", x, gate));
}

template <class Ops>
Value<Ops> forward(Ops& op, const TemporalConv<typename Ops::Weight>& w, Value<Ops> x) {
  const auto scope = op.scope("tcn_block");
  const ConvGeometry geometry = {.padding = {kTcnKernel / 2}};
  const auto sequence = op.unsqueeze("sequence", x, 2);
  auto y = op.conv("conv_0", sequence, w.conv_0, geometry);
  y = op.gelu("gelu_0", op.group_norm("norm_0", y, w.norm_0, 1, kNormEpsilon));
  y = op.conv("conv_1", y, w.conv_1, geometry);
  y = op.group_norm("norm_1", y, w.norm_1, 1, kNormEpsilon);
  y = op.gelu("gelu_1", op.add("residual", y, sequence));
  return scope.result(op.squeeze("embedding", y, 2));
}

template <class Ops>
Value<Ops> forward(Ops& op, const FoldedTemporalConv<typename Ops::Weight>& w, Value<Ops> x) {
  const auto scope = op.scope("tcn_block");
  auto y = op.linear("conv_0", x, w.conv_0);
  y = op.gelu("gelu_0", op.layer_norm("norm_0", y, w.norm_0, kNormEpsilon));
  y = op.linear("conv_1", y, w.conv_1);
  y = op.layer_norm("norm_1", y, w.norm_1, kNormEpsilon);
  return scope.result(op.gelu("gelu_1", op.add("residual", y, x)));
}

template <class Ops>
Value<Ops> forward(Ops& op, const HiddenLayer<typename Ops::Weight>& w, Value<Ops> x) {
  const auto normed = op.layer_norm("norm", op.linear("linear", x, w.linear), w.norm, kNormEpsilon);
  return op.dropout("dropout", op.gelu("gelu", normed));
}

/// embeddings [batch, embedding_dim] -> logits [batch, 2]. Scopes: input_norm, attention, se_block,
/// tcn_block, classifier/hidden_0, ...; the output of each is what PyTorch's module of that place
/// gives.
template <class Ops>
Value<Ops> forward(Ops& op, const Head<typename Ops::Weight>& w, const HeadConfig& config,
                   Value<Ops> x) {
  {
    const auto scope = op.scope("input_norm");
    x = scope.result(op.layer_norm("norm", x, w.input_norm, kNormEpsilon));
  }
  if (w.attention) {
    x = std::visit([&](const auto& block) { return forward(op, block, config.embedding_dim, x); },
                   *w.attention);
  }
  if (w.se_block) x = forward(op, *w.se_block, x);
  if (w.tcn_block)
    x = std::visit([&](const auto& block) { return forward(op, block, x); }, *w.tcn_block);
  const auto scope = op.scope("classifier");
  for (std::size_t i = 0; i < w.hidden.size(); ++i) {
    const auto hidden = op.scope("hidden_" + std::to_string(i));
    x = hidden.result(forward(op, w.hidden[i], x));
  }
  return scope.result(op.linear("output", x, w.output));
}

}  // namespace wakebuilder::model
