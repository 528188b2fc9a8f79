// The pretrained speech embedding: 76 log-mel frames in, 96 numbers out, one every 8 frames.
//
// Google's `speech_embedding` (Lin et al. 2020, "Training keyword spotters with limited and
// synthesized speech data", Apache-2.0), as the Python package openwakeword 0.4.0 has it in
// embedding_model.onnx. Twenty convolutions over time and mel bins; nothing is padded over time, so
// the network gives the same numbers for a stream as for windows that begin at a multiple of 8
// frames.
//
//   [batch, 1, T, 32] -> [batch, 96, N], N = (T - 76) / 8 + 1
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "wakebuilder/model/layers.h"
#include "wakebuilder/model/timeline.h"

namespace wakebuilder::model {

inline constexpr std::int64_t kEmbeddingBins = 32;        ///< mel bins that it hears
inline constexpr std::int64_t kEmbeddingDim = 96;         ///< numbers of a token
inline constexpr std::int64_t kEmbeddingFrames = 76;      ///< frames that a token sees
inline constexpr std::int64_t kEmbeddingFrameStride = 8;  ///< frames from one token to the next
inline constexpr double kEmbeddingNormEpsilon = 1e-3;     ///< of the batch norm in published files
inline constexpr double kEmbeddingLeakySlope = 0.2;
inline constexpr double kEmbeddingLeast = -0.4;  ///< below this activations are cut

/// A convolution of the embedding and what follows it. Kernels that see neighbouring bins get one
/// zero on either side of these; max pooling has no padding and moves by its own size.
struct EmbeddingLayer {
  std::int64_t out, in;
  std::int64_t time, bins;            ///< kernel
  std::int64_t pool_time, pool_bins;  ///< 1, 1: none
  std::int64_t bins_in;               ///< bins that its input has
};

inline constexpr std::size_t kEmbeddingLayerCount = 20;
inline constexpr std::array<EmbeddingLayer, kEmbeddingLayerCount> kEmbeddingLayers = {{
    {24, 1, 3, 3, 1, 1, 32},  {24, 24, 1, 3, 1, 1, 32}, {24, 24, 3, 1, 2, 2, 32},
    {48, 24, 1, 3, 1, 1, 16}, {48, 48, 3, 1, 1, 1, 16}, {48, 48, 1, 3, 1, 1, 16},
    {48, 48, 3, 1, 1, 2, 16}, {72, 48, 1, 3, 1, 1, 8},  {72, 72, 3, 1, 1, 1, 8},
    {72, 72, 1, 3, 1, 1, 8},  {72, 72, 3, 1, 2, 2, 8},  {96, 72, 1, 3, 1, 1, 4},
    {96, 96, 3, 1, 1, 1, 4},  {96, 96, 1, 3, 1, 1, 4},  {96, 96, 3, 1, 1, 2, 4},
    {96, 96, 1, 3, 1, 1, 2},  {96, 96, 3, 1, 1, 1, 2},  {96, 96, 1, 3, 1, 1, 2},
    {96, 96, 3, 1, 2, 2, 2},  {96, 96, 3, 1, 1, 1, 1},
}};

/// Batch norms are folded into the convolutions but for the first, which follows a ReLU and is kept
/// as scale and shift. The first and the last convolution have no bias.
template <class T>
struct SpeechEmbedding {
  std::array<Conv<T>, kEmbeddingLayerCount> convs;
  Norm<T> norm_0;
};

template <class T>
SpeechEmbedding<T> make_speech_embedding() {
  SpeechEmbedding<T> embedding;
  for (std::size_t i = 1; i + 1 < kEmbeddingLayerCount; ++i) embedding.convs[i].bias = T{};
  return embedding;
}

template <LayerOf<SpeechEmbedding> W, class F>
void visit(W& w, const std::string& prefix, F&& f) {
  for (std::size_t i = 0; i < kEmbeddingLayerCount; ++i) {
    const EmbeddingLayer& layer = kEmbeddingLayers[i];
    visit_conv(w.convs[i], prefix + "conv_" + std::to_string(i),
               {layer.out, layer.in, layer.time, layer.bins}, f);
    if (i == 0) visit_norm(w.norm_0, prefix + "norm_0", layer.out, f);
  }
}

/// mel [batch, 1, T, 32], log10 of mel powers of 16-bit samples plus 2 -> tokens [batch, 96, N].
template <class Ops>
typename Ops::Value forward(Ops& op, const SpeechEmbedding<typename Ops::Weight>& w,
                            typename Ops::Value x, Timeline& time) {
  const auto scope = op.scope("backbone");
  for (std::size_t i = 0; i < kEmbeddingLayerCount; ++i) {
    const EmbeddingLayer& layer = kEmbeddingLayers[i];
    const std::string number = "_" + std::to_string(i);
    x = op.past("conv" + number, x, 2, {0, layer.in, time.slide(layer.time, 1), layer.bins_in});
    x = op.conv("conv" + number, x, w.convs[i], {.padding = {0, layer.bins / 2}});
    if (i == 0) {
      const core::Shape per_channel = {layer.out, 1, 1};
      x = op.mul("scale_0", op.relu("relu_0", x), op.value(w.norm_0.weight, per_channel));
      x = op.add("shift_0", x, op.value(w.norm_0.bias, per_channel));
    }
    if (i + 1 < kEmbeddingLayerCount) {
      x = op.at_least("least" + number, op.leaky_relu("leaky" + number, x, kEmbeddingLeakySlope),
                      kEmbeddingLeast);
    }
    if (layer.pool_bins > 1) {
      const std::int64_t past = time.slide(layer.pool_time, layer.pool_time);
      x = op.past("pool" + number, x, 2, {0, layer.out, past, layer.bins_in});
      x = op.max_pool("pool" + number, x, {layer.pool_time, layer.pool_bins},
                      {layer.pool_time, layer.pool_bins});
    }
  }
  return scope.result(op.squeeze("tokens", x, 3));
}

}  // namespace wakebuilder::model
