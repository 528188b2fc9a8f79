#include "wakebuilder/model/fold.h"

#include <span>
#include <utility>
#include <vector>

#include "model/product.h"

namespace wakebuilder::model {
namespace {

using core::Shape;
using core::Tensor;

std::span<const float> values(const Parameter& parameter, const Shape& shape) {
  WAKEBUILDER_EXPECT(parameter.tensor.shape() == shape);
  return parameter.tensor.as<float>();
}

/// Wo (Wv x + bv) + bo = (Wo Wv) x + (Wo bv + bo); Wv and bv are the last third of in_proj.
FoldedSelfAttention<Parameter> fold(const SelfAttention<Parameter>& w, std::int64_t width) {
  const auto size = static_cast<std::size_t>(width);
  const auto& [in_proj, out_proj] = w.attention;
  const auto value_weight = values(in_proj.weight, {3 * width, width}).last(size * size);
  const auto value_bias = values(in_proj.bias, {3 * width}).last(size);
  const auto out_weight = values(out_proj.weight, {width, width});
  const auto out_bias = values(out_proj.bias, {width});
  std::vector<float> bias(size);
  for (std::size_t row = 0; row < size; ++row) {
    auto sum = static_cast<double>(out_bias[row]);
    for (std::size_t k = 0; k < size; ++k) {
      sum += static_cast<double>(out_weight[row * size + k]) * static_cast<double>(value_bias[k]);
    }
    bias[row] = static_cast<float>(sum);
  }
  return {.mix = {{"attention.folded.weight",
                   Tensor::from(product(out_weight, value_weight, size), {width, width})},
                  {"attention.folded.bias", Tensor::from(std::move(bias), {width})}},
          .norm = w.norm};
}

/// Keeps W[:, :, 1] of a kernel of 3.
Linear<Parameter> middle_tap(const Conv<Parameter>& conv) {
  const Shape& shape = conv.weight.tensor.shape();
  const auto taps = conv.weight.tensor.as<float>();
  std::vector<float> middle(taps.size() / kTcnKernel);
  for (std::size_t i = 0; i < middle.size(); ++i) middle[i] = taps[i * kTcnKernel + kTcnKernel / 2];
  std::string stem = conv.weight.name;
  stem.resize(stem.size() - std::string_view(".weight").size());
  return {.weight = {stem + ".middle_tap.weight",
                     Tensor::from(std::move(middle), {shape[0], shape[1]})},
          .bias = conv.bias.value()};
}

FoldedTemporalConv<Parameter> fold(const TemporalConv<Parameter>& w) {
  return {.conv_0 = middle_tap(w.conv_0),
          .norm_0 = w.norm_0,
          .conv_1 = middle_tap(w.conv_1),
          .norm_1 = w.norm_1};
}

}  // namespace

Head<Parameter> fold(const Head<Parameter>& head, const HeadConfig& config) {
  Head<Parameter> folded = head;
  if (head.attention) {
    if (const auto* block = std::get_if<SelfAttention<Parameter>>(&*head.attention)) {
      folded.attention = fold(*block, config.embedding_dim);
    }
  }
  if (head.tcn_block) {
    if (const auto* block = std::get_if<TemporalConv<Parameter>>(&*head.tcn_block)) {
      folded.tcn_block = fold(*block);
    }
  }
  return folded;
}

}  // namespace wakebuilder::model
