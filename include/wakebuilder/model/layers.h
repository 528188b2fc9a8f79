// The layers that architectures are made of: weights as plain structs, names as PyTorch gives them.
//
// T is what holds a weight: model::Parameter for loading, exporting and the reference, a
// framework's own tensor for training. The visit functions are the one place that knows names and
// shapes: loading, saving and printing use them. They call f(name, weight, shape), in the order of
// PyTorch's state_dict.
//
// The forward functions are written once over the operations interface (docs/architecture.md, "How
// a model is written"): `Ops` is onnx::Emitter, model::Reference or a training framework's adapter.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "wakebuilder/core/tensor.h"

namespace wakebuilder::model {

/// A weight and the name it has in the checkpoint.
struct Parameter {
  std::string name;
  core::Tensor tensor;
};

template <class W, template <class> class Layer>
inline constexpr bool kIsLayer = false;
template <class T, template <class> class Layer>
inline constexpr bool kIsLayer<Layer<T>, Layer> = true;

/// W is Layer<T> or const Layer<T>: lets one visit function serve readers and writers.
template <class W, template <class> class Layer>
concept LayerOf = kIsLayer<std::remove_const_t<W>, Layer>;

/// y = x Wᵀ + b; weight [out, in], bias [out].
template <class T>
struct Linear {
  T weight, bias;
};

template <LayerOf<Linear> W, class F>
void visit_linear(W& w, const std::string& name, std::int64_t in, std::int64_t out, F&& f) {
  f(name + ".weight", w.weight, core::Shape{out, in});
  f(name + ".bias", w.bias, core::Shape{out});
}

/// Scale and shift, of a norm or by themselves; both [width].
template <class T>
struct Norm {
  T weight, bias;
};

template <LayerOf<Norm> W, class F>
void visit_norm(W& w, const std::string& name, std::int64_t width, F&& f) {
  f(name + ".weight", w.weight, core::Shape{width});
  f(name + ".bias", w.bias, core::Shape{width});
}

/// Convolution over one axis or two; weight [out, in / groups, kernel...], bias [out] or none.
template <class T>
struct Conv {
  T weight;
  std::optional<T> bias;
};

/// How the kernel of a convolution moves; one number for each axis that it moves along.
struct ConvGeometry {
  std::vector<std::int64_t> padding{};   ///< zeros on both sides; {} = none
  std::vector<std::int64_t> stride{};    ///< {} = 1
  std::vector<std::int64_t> dilation{};  ///< distance of neighbouring taps; {} = 1
  std::int64_t groups = 1;               ///< channels in parts that do not see each other
};

/// The weights of a convolution of this shape, [out, in / groups, kernel...]; the bias where it has
/// one.
template <LayerOf<Conv> W, class F>
void visit_conv(W& w, const std::string& name, const core::Shape& shape, F&& f) {
  f(name + ".weight", w.weight, shape);
  if (w.bias) f(name + ".bias", *w.bias, core::Shape{shape[0]});
}

/// torch.nn.BatchNorm1d at inference; all [width].
template <class T>
struct BatchNorm {
  T weight, bias, mean, variance;
};

template <LayerOf<BatchNorm> W, class F>
void visit_batch_norm(W& w, const std::string& name, std::int64_t width, F&& f) {
  f(name + ".weight", w.weight, core::Shape{width});
  f(name + ".bias", w.bias, core::Shape{width});
  f(name + ".running_mean", w.mean, core::Shape{width});
  f(name + ".running_var", w.variance, core::Shape{width});
}

/// The end of a slice that takes all that is left.
inline constexpr std::int64_t kToTheEnd = std::numeric_limits<std::int64_t>::max();

/// What reduces an axis to one number.
enum class Reduction { kMax, kMean, kSum };

/// torch.nn.MultiheadAttention; in_proj is query, key and value stacked: weight [3 width, width].
template <class T>
struct MultiheadAttention {
  Linear<T> in_proj, out_proj;
};

template <LayerOf<MultiheadAttention> W, class F>
void visit_attention(W& w, const std::string& name, std::int64_t width, F&& f) {
  f(name + ".in_proj_weight", w.in_proj.weight, core::Shape{3 * width, width});
  f(name + ".in_proj_bias", w.in_proj.bias, core::Shape{3 * width});
  visit_linear(w.out_proj, name + ".out_proj", width, width, f);
}

/// Scaled dot-product attention, softmax(Q Kᵀ / √d) V for each head (Vaswani et al. 2017, eq. 1).
///
/// @param qkv  projections, stacked as in_proj gives them, [batch, tokens, 3 width]
/// @return [batch, tokens, width], heads side by side
template <class Ops>
typename Ops::Value attend(Ops& op, typename Ops::Value qkv, std::int64_t tokens,
                           std::int64_t width, std::int64_t heads) {
  const std::int64_t head_width = width / heads;
  const auto parts = op.split("qkv", qkv, 3, 2);
  const auto by_head = [&](const std::string& name, typename Ops::Value x) {
    x = op.reshape(name + "_heads", x, {0, tokens, heads, head_width});
    return op.transpose(name, x, {0, 2, 1, 3});
  };
  const auto query = by_head("query", parts[0]);
  const auto key = op.transpose("key_transposed", by_head("key", parts[1]), {0, 1, 3, 2});
  const auto value = by_head("value", parts[2]);
  const auto scores = op.scale("scores", op.matmul("query_key", query, key),
                               1.0 / std::sqrt(static_cast<double>(head_width)));
  const auto mixed = op.matmul("weighted", op.softmax("weights", scores), value);
  return op.reshape("heads_joined", op.transpose("tokens_first", mixed, {0, 2, 1, 3}),
                    {0, tokens, width});
}

}  // namespace wakebuilder::model
