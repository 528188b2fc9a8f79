#include <cmath>
#include <string_view>
#include <vector>

#include "wakebuilder/model/fold.h"

namespace wakebuilder::model {
namespace {

using core::Tensor;

/// scale[i] and shift[i] of a batch norm, in double.
struct ScaleAndShift {
  std::vector<double> scale, shift;
};

ScaleAndShift of_norm(const BatchNorm<Parameter>& norm, double epsilon) {
  const auto weight = norm.weight.tensor.as<float>();
  const auto bias = norm.bias.tensor.as<float>();
  const auto mean = norm.mean.tensor.as<float>();
  const auto variance = norm.variance.tensor.as<float>();
  WAKEBUILDER_EXPECT(weight.size() == bias.size() && weight.size() == mean.size() &&
                     weight.size() == variance.size());
  ScaleAndShift result;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const double scale =
        static_cast<double>(weight[i]) / std::sqrt(static_cast<double>(variance[i]) + epsilon);
    result.scale.push_back(scale);
    result.shift.push_back(static_cast<double>(bias[i]) - static_cast<double>(mean[i]) * scale);
  }
  return result;
}

Parameter rounded(std::string name, const std::vector<double>& values, core::Shape shape) {
  return {std::move(name),
          Tensor::from(std::vector<float>(values.begin(), values.end()), std::move(shape))};
}

/// "head.tcn_block.0.point.weight" -> "head.tcn_block.0.point.folded."
std::string folded_prefix(const std::string& weight) {
  return weight.substr(0, weight.size() - std::string_view("weight").size()) + "folded.";
}

NormedConv<Parameter> fold(const NormedConv<Parameter>& w) {
  if (!w.norm) return w;
  const Parameter& weight = w.conv.weight;
  const auto taps = weight.tensor.as<float>();
  auto [scale, shift] = of_norm(*w.norm, kCompactNormEpsilon);
  WAKEBUILDER_EXPECT(weight.tensor.shape()[0] == static_cast<std::int64_t>(scale.size()));
  const std::size_t per_output = taps.size() / scale.size();
  std::vector<double> scaled(taps.size());
  for (std::size_t i = 0; i < taps.size(); ++i)
    scaled[i] = static_cast<double>(taps[i]) * scale[i / per_output];
  if (w.conv.bias) {
    const auto bias = w.conv.bias->tensor.as<float>();
    for (std::size_t i = 0; i < scale.size(); ++i)
      shift[i] += static_cast<double>(bias[i]) * scale[i];
  }
  const std::string prefix = folded_prefix(weight.name);
  const auto outputs = static_cast<std::int64_t>(scale.size());
  return {.conv = {.weight = rounded(prefix + "weight", scaled, weight.tensor.shape()),
                   .bias = rounded(prefix + "bias", shift, {outputs})},
          .norm = {}};
}

}  // namespace

Norm<Parameter> fold(const BatchNorm<Parameter>& norm, double epsilon) {
  const auto [scale, shift] = of_norm(norm, epsilon);
  const auto size = static_cast<std::int64_t>(scale.size());
  const std::string prefix = folded_prefix(norm.weight.name);
  return {.weight = rounded(prefix + "weight", scale, {size}),
          .bias = rounded(prefix + "bias", shift, {size})};
}

Compact<Parameter> fold(const Compact<Parameter>& compact) {
  Compact<Parameter> folded = compact;
  if (const auto* norm = std::get_if<0>(&compact.input_norm))
    folded.input_norm = fold(*norm, kCompactNormEpsilon);
  folded.attention.project = fold(compact.attention.project);
  for (auto& block : folded.tcn_block) {
    block.point = fold(block.point);
    block.depth = fold(block.depth);
  }
  return folded;
}

}  // namespace wakebuilder::model
