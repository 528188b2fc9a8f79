// AdamW (Loshchilov and Hutter 2019, "Decoupled weight decay regularization", algorithm 2).
// Private: torch's header stays inside this module.
//
// Our own, since what it keeps is written to a file and read again, which libtorch's optimisers
// allow in another way in every version. The same numbers as torch.optim.AdamW.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <torch/torch.h>

namespace wakebuilder::train {

class AdamW {
 public:
  static constexpr double kMeanDecay = 0.9;      ///< "beta 1"
  static constexpr double kSquareDecay = 0.999;  ///< "beta 2"
  static constexpr double kEpsilon = 1e-8;

  /// @param decay  of weights of more than one dimension; the others have none
  AdamW(std::vector<torch::Tensor> weights, double decay)
      : weights_(std::move(weights)), decay_(decay) {
    for (torch::Tensor& weight : weights_) {
      weight.requires_grad_(true);
      means_.push_back(torch::zeros_like(weight));
      squares_.push_back(torch::zeros_like(weight));
    }
  }

  /// The weights; a gradient that is missing counts as none.
  const std::vector<torch::Tensor>& weights() const { return weights_; }

  void zero_grad() {
    for (torch::Tensor& weight : weights_)
      if (weight.grad().defined()) weight.mutable_grad().reset();
  }

  void step(double rate) {
    const torch::NoGradGuard no_gradient;
    ++steps_;
    for (std::size_t i = 0; i < weights_.size(); ++i)
      if (weights_[i].grad().defined()) move(i, rate);
  }

  /// What it remembers: to be written and set.
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }
  std::vector<torch::Tensor>& means() { return means_; }
  std::vector<torch::Tensor>& squares() { return squares_; }

 private:
  void move(std::size_t i, double rate) {
    torch::Tensor& weight = weights_[i];
    const torch::Tensor& gradient = weight.grad();
    if (weight.dim() > 1) weight.mul_(1 - rate * decay_);
    means_[i].mul_(kMeanDecay).add_(gradient, 1 - kMeanDecay);
    squares_[i].mul_(kSquareDecay).addcmul_(gradient, gradient, 1 - kSquareDecay);
    const auto count = static_cast<double>(steps_);
    const double mean_share = 1 - std::pow(kMeanDecay, count);
    const double square_share = 1 - std::pow(kSquareDecay, count);
    const auto length = (squares_[i].sqrt() / std::sqrt(square_share)).add_(kEpsilon);
    weight.addcdiv_(means_[i], length, -rate / mean_share);
  }

  std::vector<torch::Tensor> weights_, means_, squares_;
  std::int64_t steps_ = 0;
  double decay_;
};

}  // namespace wakebuilder::train
