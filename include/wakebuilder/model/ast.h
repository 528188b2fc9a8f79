// The Audio Spectrogram Transformer (Gong et al. 2021, "AST: Audio Spectrogram Transformer"), as
// transformers' ASTModel computes it.
//
//   input_values [batch, T, 128] -> patches of 16 x 16, one every 10 frames and 10 bins -> two
//   tokens in front, positions -> layers of attention and MLP, norms before them -> norm -> mean of
//   the two tokens, [batch, hidden]
//
// Between the layers activations are rows [batch · tokens, hidden], so that every weight is used as
// it lies in the checkpoint. Tokens are counted by rising frequency, then time.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "wakebuilder/model/classifier.h"
#include "wakebuilder/model/layers.h"

namespace wakebuilder::model {

/// As transformers' ASTConfig, with its defaults.
struct AstConfig {
  std::int64_t hidden_size = 768;
  std::int64_t num_hidden_layers = 12;
  std::int64_t num_attention_heads = 12;
  std::int64_t intermediate_size = 3072;
  std::int64_t patch_size = 16;
  std::int64_t frequency_stride = 10;
  std::int64_t time_stride = 10;
  std::int64_t max_length = 1024;  ///< frames of the input, T
  std::int64_t num_mel_bins = 128;
  double layer_norm_eps = 1e-12;

  friend bool operator==(const AstConfig&, const AstConfig&) = default;

  std::int64_t patches() const {
    return ((num_mel_bins - patch_size) / frequency_stride + 1) *
           ((max_length - patch_size) / time_stride + 1);
  }
  std::int64_t tokens() const { return patches() + 2; }  ///< [CLS], distillation, patches
};

/// x + attention(norm_before(x)), then y + mlp(norm_after(y)).
template <class T>
struct AstLayer {
  Linear<T> query, key, value, attention_output;
  Norm<T> norm_before, norm_after;
  Linear<T> intermediate, output;
};

template <class T>
struct Ast {
  T cls_token, distillation_token;  ///< [1, 1, hidden]
  T position_embeddings;            ///< [1, tokens, hidden]
  Conv<T> patches;                  ///< [hidden, 1, 16, 16]
  std::vector<AstLayer<T>> layers;
  Norm<T> norm;
};

/// The classifier of transformers' ASTForAudioClassification: norm and one Linear.
template <class T>
struct AstClassification {
  Norm<T> norm;
  Linear<T> dense;
};

template <class T>
Ast<T> make_ast(const AstConfig& config) {
  Ast<T> ast;
  ast.patches.bias = T{};
  ast.layers.resize(static_cast<std::size_t>(config.num_hidden_layers));
  return ast;
}

// ---- names and shapes, as save_pretrained writes them ----

template <LayerOf<AstLayer> W, class F>
void visit(W& w, const std::string& prefix, const AstConfig& config, F&& f) {
  const std::int64_t width = config.hidden_size;
  visit_linear(w.query, prefix + "attention.attention.query", width, width, f);
  visit_linear(w.key, prefix + "attention.attention.key", width, width, f);
  visit_linear(w.value, prefix + "attention.attention.value", width, width, f);
  visit_linear(w.attention_output, prefix + "attention.output.dense", width, width, f);
  visit_linear(w.intermediate, prefix + "intermediate.dense", width, config.intermediate_size, f);
  visit_linear(w.output, prefix + "output.dense", config.intermediate_size, width, f);
  visit_norm(w.norm_before, prefix + "layernorm_before", width, f);
  visit_norm(w.norm_after, prefix + "layernorm_after", width, f);
}

/// Calls f(name, weight, shape) for every weight of the backbone.
template <LayerOf<Ast> W, class F>
void visit(W& w, const AstConfig& config, F&& f) {
  const std::int64_t width = config.hidden_size;
  f("embeddings.cls_token", w.cls_token, core::Shape{1, 1, width});
  f("embeddings.distillation_token", w.distillation_token, core::Shape{1, 1, width});
  f("embeddings.position_embeddings", w.position_embeddings,
    core::Shape{1, config.tokens(), width});
  visit_conv(w.patches, "embeddings.patch_embeddings.projection",
             {width, 1, config.patch_size, config.patch_size}, f);
  for (std::size_t i = 0; i < w.layers.size(); ++i)
    visit(w.layers[i], "encoder.layer." + std::to_string(i) + ".", config, f);
  visit_norm(w.norm, "layernorm", width, f);
}

template <LayerOf<AstClassification> W, class F>
void visit(W& w, std::int64_t width, F&& f) {
  visit_norm(w.norm, "classifier.layernorm", width, f);
  visit_linear(w.dense, "classifier.dense", width, kClasses, f);
}

// ---- forward pass ----

/// input_values [batch, T, 128] -> [batch, tokens, hidden].
template <class Ops>
typename Ops::Value embed(Ops& op, const Ast<typename Ops::Weight>& w, const AstConfig& config,
                          typename Ops::Value x) {
  const auto scope = op.scope("embeddings");
  const auto image = op.transpose("frequency_first", op.unsqueeze("channel", x, 1), {0, 1, 3, 2});
  const auto patches =
      op.conv("patches", image, w.patches,
              {.padding = {}, .stride = {config.frequency_stride, config.time_stride}});
  const auto flat = op.reshape("flat", patches, {0, config.hidden_size, config.patches()});
  const auto tokens = op.transpose("tokens", flat, {0, 2, 1});
  const auto all =
      op.concat("with_tokens",
                {op.repeat_for_batch("cls_token", w.cls_token, x),
                 op.repeat_for_batch("distillation_token", w.distillation_token, x), tokens},
                1);
  return scope.result(op.add("positions", all, op.value(w.position_embeddings)));
}

/// x [batch · tokens, hidden] -> the same.
template <class Ops>
typename Ops::Value forward(Ops& op, const AstLayer<typename Ops::Weight>& w,
                            const AstConfig& config, typename Ops::Value x) {
  const std::int64_t head_size = config.hidden_size / config.num_attention_heads;
  const core::Shape by_head = {-1, config.tokens(), config.num_attention_heads, head_size};
  const auto heads = [&](const std::string& name, typename Ops::Value rows,
                         const std::vector<std::int64_t>& order) {
    return op.transpose(name + "_heads", op.reshape(name + "_tokens", rows, by_head), order);
  };
  const auto normed = op.layer_norm("layernorm_before", x, w.norm_before, config.layer_norm_eps);
  const auto query = op.scale("query_scaled", op.linear("query", normed, w.query),
                              1.0 / std::sqrt(static_cast<double>(head_size)));
  const auto key = op.linear("key", normed, w.key);
  const auto scores =
      op.matmul("scores", heads("query", query, {0, 2, 1, 3}), heads("key", key, {0, 2, 3, 1}));
  const auto value = heads("value", op.linear("value", normed, w.value), {0, 2, 1, 3});
  const auto mixed = op.matmul("mixed", op.softmax("weights", scores), value);
  const auto joined = op.reshape("heads_joined", op.transpose("tokens_first", mixed, {0, 2, 1, 3}),
                                 {-1, config.hidden_size});
  x = op.add("attention", x, op.linear("attention_output", joined, w.attention_output));
  const auto again = op.layer_norm("layernorm_after", x, w.norm_after, config.layer_norm_eps);
  const auto wide = op.gelu("gelu", op.linear("intermediate", again, w.intermediate));
  return op.add("out", x, op.linear("output", wide, w.output));
}

/// input_values [batch, T, 128] -> pooler_output [batch, hidden]. Scopes: embeddings, layer_0, ...,
/// layernorm, pooler.
template <class Ops>
typename Ops::Value forward(Ops& op, const Ast<typename Ops::Weight>& w, const AstConfig& config,
                            typename Ops::Value x) {
  x = op.reshape("rows", embed(op, w, config, x), {-1, config.hidden_size});
  for (std::size_t i = 0; i < w.layers.size(); ++i) {
    const auto scope = op.scope("layer_" + std::to_string(i));
    x = scope.result(forward(op, w.layers[i], config, x));
  }
  {
    const auto scope = op.scope("layernorm");
    x = scope.result(op.layer_norm("norm", x, w.norm, config.layer_norm_eps));
  }
  const auto scope = op.scope("pooler");
  x = op.reshape("by_token", x, {-1, config.tokens(), config.hidden_size});
  const auto both =
      op.add("both", op.slice("cls", x, 1, 0, 1), op.slice("distillation", x, 1, 1, 2));
  return scope.result(op.squeeze("clip", op.scale("mean", both, 0.5), 1));
}

/// pooler_output [batch, hidden] -> logits [batch, 2].
template <class Ops>
typename Ops::Value forward(Ops& op, const AstClassification<typename Ops::Weight>& w,
                            const AstConfig& config, typename Ops::Value x) {
  const auto scope = op.scope("classifier");
  return scope.result(
      op.linear("dense", op.layer_norm("norm", x, w.norm, config.layer_norm_eps), w.dense));
}

}  // namespace wakebuilder::model
