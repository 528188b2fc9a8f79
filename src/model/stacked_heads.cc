#include "wakebuilder/model/stacked_heads.h"

#include <utility>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::model {
namespace {

using core::Shape;
using core::Tensor;
using Network = Compact<Parameter>;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// The numbers of one head of a stacked weight.
using Numbers = std::vector<float>;

Numbers as_it_is(const Parameter& weight) {
  const auto values = weight.tensor.as<float>();
  return {values.begin(), values.end()};
}

/// [out, in] -> [in, out]
Numbers transposed(const Parameter& weight) {
  const auto matrix = weight.tensor.as<float>();
  const std::int64_t out = weight.tensor.shape().at(0);
  const std::int64_t in = weight.tensor.shape().at(1);
  WAKEBUILDER_EXPECT(matrix.size() == at(out * in));
  Numbers result(matrix.size());
  for (std::int64_t i = 0; i < out; ++i)
    for (std::int64_t j = 0; j < in; ++j) result[at(j * out + i)] = matrix[at(i * in + j)];
  return result;
}

/// Projection [C, heads * 96] of the mixed tokens -> [96, heads * C], of one token for all heads.
Numbers per_head(const Parameter& weight, std::int64_t heads) {
  const auto values = weight.tensor.as<float>();
  const std::int64_t width = weight.tensor.shape().at(0);
  const std::int64_t in = weight.tensor.shape().at(1) / heads;
  Numbers result(values.size());
  for (std::int64_t out = 0; out < width; ++out)
    for (std::int64_t head = 0; head < heads; ++head)
      for (std::int64_t i = 0; i < in; ++i)
        result[at((i * heads + head) * width + out)] = values[at((out * heads + head) * in + i)];
  return result;
}

/// Positions [window, heads] -> the band [heads, N, N].
Numbers band(const Parameter& position, const CompactConfig& config, std::int64_t tokens) {
  const auto values = position.tensor.as<float>();
  Numbers result(at(config.heads * tokens * tokens), static_cast<float>(-kMaskedOut));
  for (std::int64_t head = 0; head < config.heads; ++head)
    for (std::int64_t n = 0; n < tokens; ++n)
      for (std::int64_t j = 0; j < config.window; ++j) {
        const std::int64_t t = n + j - config.window / 2;
        if (t < 0 || t >= tokens) continue;
        result[at((head * tokens + n) * tokens + t)] = values[at(j * config.heads + head)];
      }
  return result;
}

/// One of the three taps of a depthwise kernel [C, 1, 3].
Numbers tap(const Parameter& kernel, std::size_t index) {
  const auto values = kernel.tensor.as<float>();
  Numbers result;
  for (std::size_t i = index; i < values.size(); i += 3) result.push_back(values[i]);
  return result;
}

const Parameter& bias_of(const NormedConv<Parameter>& layer) {
  WAKEBUILDER_EXPECT(!layer.norm && layer.conv.bias);
  return *layer.conv.bias;
}

class Stacker {
 public:
  Stacker(std::span<const Network* const> networks, std::string name)
      : networks_(networks), name_(std::move(name)) {}

  /// A weight [H, row...] of what `take` gives of each network.
  template <class Take>
  Parameter stack(const std::string& name, Shape row, Take take) const {
    Numbers all;
    for (const Network* network : networks_) {
      const Numbers numbers = take(*network);
      all.insert(all.end(), numbers.begin(), numbers.end());
    }
    row.insert(row.begin(), static_cast<std::int64_t>(networks_.size()));
    return {name_ + "." + name, Tensor::from(std::move(all), std::move(row))};
  }

  /// A matrix that acts on each token, and its bias; `layer` gives a Conv or a Linear.
  template <class Layer>
  StackedLinear<Parameter> linear(const std::string& name, Layer layer) const {
    const Shape& shape = weight_of(layer(*networks_[0])).tensor.shape();
    return {stack(name + ".weight", {shape.at(1), shape.at(0)},
                  [&](const Network& n) { return transposed(weight_of(layer(n))); }),
            stack(name + ".bias", {1, shape.at(0)},
                  [&](const Network& n) { return as_it_is(bias(layer(n))); })};
  }

 private:
  static const Parameter& weight_of(const Conv<Parameter>& layer) { return layer.weight; }
  static const Parameter& weight_of(const Linear<Parameter>& layer) { return layer.weight; }
  static const Parameter& bias(const Conv<Parameter>& layer) { return layer.bias.value(); }
  static const Parameter& bias(const Linear<Parameter>& layer) { return layer.bias; }

  std::span<const Network* const> networks_;
  std::string name_;
};

StackedHeads<Parameter>::Block stack_block(const Stacker& stacker, std::size_t index,
                                           std::int64_t width) {
  const std::string name = "tcn_block." + std::to_string(index);
  const auto depth = [&](const Network& n) -> const NormedConv<Parameter>& {
    return n.tcn_block[index].depth;
  };
  StackedHeads<Parameter>::Block block;
  block.point = stacker.linear(
      name + ".point", [&](const Network& n) -> const auto& {
        WAKEBUILDER_EXPECT(!n.tcn_block[index].point.norm);
        return n.tcn_block[index].point.conv;
      });
  for (std::size_t i = 0; i < 3; ++i) {
    block.taps.push_back(
        stacker.stack(name + ".tap_" + std::to_string(i), {1, width},
                      [&](const Network& n) { return tap(depth(n).conv.weight, i); }));
  }
  block.bias = stacker.stack(name + ".bias", {1, width},
                             [&](const Network& n) { return as_it_is(bias_of(depth(n))); });
  return block;
}

const Norm<Parameter>& input_norm(const Network& network) {
  WAKEBUILDER_EXPECT(network.input_norm.index() == 1);
  return std::get<1>(network.input_norm);
}

}  // namespace

StackedHeads<Parameter> stack_heads(std::span<const Network* const> networks,
                                    const CompactConfig& config, std::int64_t tokens,
                                    const std::string& name) {
  WAKEBUILDER_EXPECT(!networks.empty());
  const Stacker stacker(networks, name);
  const std::int64_t heads = config.heads;
  const std::int64_t width = config.width;
  StackedHeads<Parameter> stacked;
  stacked.input_scale = stacker.stack("input_scale", {1, kEmbeddingDim}, [](const Network& n) {
    return as_it_is(input_norm(n).weight);
  });
  stacked.input_shift = stacker.stack("input_shift", {1, kEmbeddingDim}, [](const Network& n) {
    return as_it_is(input_norm(n).bias);
  });
  stacked.score = stacker.stack("score", {kEmbeddingDim, heads}, [](const Network& n) {
    return transposed(n.attention.score.weight);
  });
  stacked.score_bias = stacker.stack("score_bias", {heads, 1, 1}, [](const Network& n) {
    return as_it_is(n.attention.score.bias.value());
  });
  stacked.places = stacker.stack("places", {heads, tokens, tokens}, [&](const Network& n) {
    return band(n.attention.position, config, tokens);
  });
  stacked.project = {stacker.stack("project.weight", {kEmbeddingDim, heads * width},
                                   [&](const Network& n) {
                                     return per_head(n.attention.project.conv.weight, heads);
                                   }),
                     stacker.stack("project.bias", {1, width}, [](const Network& n) {
                       return as_it_is(bias_of(n.attention.project));
                     })};
  stacked.reduce = stacker.linear(
      "reduce", [](const Network& n) -> const auto& { return n.se_block.reduce; });
  stacked.expand = stacker.linear(
      "expand", [](const Network& n) -> const auto& { return n.se_block.expand; });
  for (std::size_t i = 0; i < config.dilations.size(); ++i)
    stacked.tcn_block.push_back(stack_block(stacker, i, width));
  for (std::size_t i = 0; i <= config.hidden_dims.size(); ++i) {
    stacked.classifier.push_back(stacker.linear(
        "classifier." + std::to_string(i), [&](const Network& n) -> const auto& {
          return n.classifier[i];
        }));
  }
  return stacked;
}

}  // namespace wakebuilder::model
