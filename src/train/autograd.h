// The operations interface in libtorch, with gradients: the third interpreter of a forward pass.
// Private: torch's header stays inside this module.
#pragma once

#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "wakebuilder/model/layers.h"

namespace wakebuilder::train {

/// Values and weights are torch's tensors. Only what the compact network and WakeBuilder's head
/// need; names of operations and scopes are for other interpreters.
class Autograd {
 public:
  using Value = torch::Tensor;
  using Weight = torch::Tensor;

  struct Training {
    double dropout = 0;
    double channel_dropout = 0;
  };

  /// As the network is used: batch norms with their running statistics, nothing dropped.
  ///
  /// @param precision  of conditions that become numbers
  explicit Autograd(torch::Dtype precision = torch::kFloat) : precision_(precision) {}

  /// As it is trained: batch norms with the batch's statistics, which they also learn.
  explicit Autograd(const Training& training, torch::Dtype precision = torch::kFloat)
      : is_training_(true), training_(training), precision_(precision) {}

  struct Scope {
    Value result(Value value) const { return value; }
  };
  Scope scope(const std::string& /*name*/) const { return {}; }

  Value value(const Weight& weight) const { return weight; }
  Value value(const Weight& weight, const core::Shape& shape) const {
    return weight.reshape(shape);
  }

  /// x [batch, in, length] or [batch, in, height, width].
  Value conv(const std::string&, const Value& x, const model::Conv<Weight>& w,
             const model::ConvGeometry& geometry) const {
    const auto axes = static_cast<std::size_t>(x.dim() - 2);
    const auto each = [&](const std::vector<std::int64_t>& values, std::int64_t otherwise) {
      return values.empty() ? std::vector<std::int64_t>(axes, otherwise) : values;
    };
    const std::vector<std::int64_t> stride = each(geometry.stride, 1);
    const std::vector<std::int64_t> padding = each(geometry.padding, 0);
    const std::vector<std::int64_t> dilation = each(geometry.dilation, 1);
    const std::vector<std::int64_t> nothing(axes, 0);
    return torch::convolution(x, w.weight, w.bias ? c10::optional<Weight>(*w.bias) : c10::nullopt,
                              stride, padding, dilation, false, nothing, geometry.groups);
  }

  Value layer_norm(const std::string&, const Value& x, const model::Norm<Weight>& w,
                   double epsilon) const {
    return torch::layer_norm(x, {x.size(-1)}, w.weight, w.bias, epsilon);
  }

  /// x [batch, channels, length].
  Value group_norm(const std::string&, const Value& x, const model::Norm<Weight>& w,
                   std::int64_t groups, double epsilon) const {
    return torch::group_norm(x, groups, w.weight, w.bias, epsilon);
  }

  Value batch_norm(const std::string&, const Value& x, const model::BatchNorm<Weight>& w,
                   double epsilon) const {
    constexpr double kMomentum = 0.1;
    return torch::batch_norm(x, w.weight, w.bias, w.mean, w.variance, is_training_, kMomentum,
                             epsilon, false);
  }

  Value linear(const std::string&, const Value& x, const model::Linear<Weight>& w) const {
    return torch::linear(x, w.weight, w.bias);
  }

  Value dropout(const std::string&, const Value& x) const {
    return torch::dropout(x, training_.dropout, is_training_);
  }

  /// Of [batch, channels, tokens], whole channels.
  Value drop_channels(const std::string&, const Value& x) const {
    return torch::feature_dropout(x, training_.channel_dropout, is_training_);
  }

  Value matmul(const std::string&, const Value& a, const Value& b) const {
    return torch::matmul(a, b);
  }
  Value add(const std::string&, const Value& a, const Value& b) const { return a + b; }
  Value mul(const std::string&, const Value& a, const Value& b) const { return a * b; }
  Value div(const std::string&, const Value& a, const Value& b) const { return a / b; }
  Value scale(const std::string&, const Value& x, double factor) const { return x * factor; }
  Value shift(const std::string&, const Value& x, double term) const { return x + term; }
  Value at_least(const std::string&, const Value& x, double least) const {
    return torch::clamp_min(x, least);
  }
  Value relu(const std::string&, const Value& x) const { return torch::relu(x); }
  Value leaky_relu(const std::string&, const Value& x, double slope) const {
    return torch::leaky_relu(x, slope);
  }
  Value sigmoid(const std::string&, const Value& x) const { return torch::sigmoid(x); }
  /// x/2 (1 + erf(x/√2)), written out: the gradient of libtorch 1.13's own is wrong where what
  /// comes back is not contiguous.
  Value gelu(const std::string&, const Value& x) const {
    return 0.5 * x * (1 + torch::erf(x * (1 / std::numbers::sqrt2)));
  }
  Value abs(const std::string&, const Value& x) const { return torch::abs(x); }
  Value exp(const std::string&, const Value& x) const { return torch::exp(x); }
  Value log(const std::string&, const Value& x) const { return torch::log(x); }
  Value greater(const std::string&, const Value& x, double than) const { return x > than; }
  Value choose(const std::string&, const Value& condition, const Value& x, double otherwise) const {
    return torch::where(condition, x, torch::full({}, otherwise, x.options()));
  }
  /// Of a condition: 1 or 0, in the precision of what is computed otherwise.
  Value to_float(const std::string&, const Value& x) const { return x.to(precision_); }
  Value softmax(const std::string&, const Value& x) const { return torch::softmax(x, -1); }

  /// x [batch, channels, height, width].
  Value max_pool(const std::string&, const Value& x, const std::vector<std::int64_t>& kernel,
                 const std::vector<std::int64_t>& stride) const {
    return torch::max_pool2d(x, kernel, stride);
  }

  Value reduce(const std::string&, const Value& x, model::Reduction reduction,
               std::int64_t axis) const {
    if (reduction == model::Reduction::kMax) return torch::amax(x, axis, true);
    return reduction == model::Reduction::kSum ? x.sum(axis, true) : x.mean(axis, true);
  }

  /// 0 keeps the size of its axis, as in ONNX.
  Value reshape(const std::string&, const Value& x, core::Shape shape) const {
    for (std::size_t i = 0; i < shape.size(); ++i)
      if (shape[i] == 0) shape[i] = x.size(static_cast<std::int64_t>(i));
    return x.reshape(shape);
  }
  Value transpose(const std::string&, const Value& x,
                  const std::vector<std::int64_t>& order) const {
    return x.permute(order);
  }
  Value unsqueeze(const std::string&, const Value& x, std::int64_t axis) const {
    return x.unsqueeze(axis);
  }
  Value squeeze(const std::string&, const Value& x, std::int64_t axis) const {
    return x.squeeze(axis);
  }
  Value concat(const std::string&, const std::vector<Value>& values, std::int64_t axis) const {
    return torch::cat(values, axis);
  }
  Value slice(const std::string&, const Value& x, std::int64_t axis, std::int64_t begin,
              std::int64_t end) const {
    return x.slice(axis, begin, end);
  }
  std::vector<Value> split(const std::string&, const Value& x, std::int64_t parts,
                           std::int64_t axis) const {
    return x.chunk(parts, axis);
  }
  Value pad(const std::string&, const Value& x, const std::vector<std::int64_t>& before,
            const std::vector<std::int64_t>& behind, double number) const {
    std::vector<std::int64_t> pads;  // torch begins with the last axis
    for (std::size_t i = before.size(); i-- > 0;) {
      pads.push_back(before[i]);
      pads.push_back(behind[i]);
    }
    return torch::constant_pad_nd(x, pads, number);
  }

  /// Only whole windows are learned from: they have no past.
  Value past(const std::string&, const Value& x, std::int64_t /*axis*/,
             const core::Shape& /*state*/) const {
    return x;
  }

 private:
  bool is_training_ = false;
  Training training_;
  torch::Dtype precision_ = torch::kFloat;
};

}  // namespace wakebuilder::train
