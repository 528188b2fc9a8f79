#include "train/adamw.h"

#include <gtest/gtest.h>

namespace wakebuilder::train {
namespace {

/// Against libtorch's, over steps with rates that change.
TEST(AdamW, MovesWeightsAsLibtorchDoes) {
  torch::manual_seed(1);
  const auto matrix = torch::randn({4, 3}, torch::kDouble);
  const auto vector = torch::randn({3}, torch::kDouble);
  const std::vector<torch::Tensor> own = {matrix.clone(), vector.clone()};
  const std::vector<torch::Tensor> theirs = {matrix.clone(), vector.clone()};
  AdamW optimiser(own, 0.2);
  for (const auto& weight : theirs) weight.requires_grad_(true);
  const auto options = [](double decay) {
    return std::make_unique<torch::optim::AdamWOptions>(
        torch::optim::AdamWOptions(0.1).weight_decay(decay));
  };
  torch::optim::AdamW wanted({torch::optim::OptimizerParamGroup({theirs[0]}, options(0.2)),
                              torch::optim::OptimizerParamGroup({theirs[1]}, options(0))});
  for (int step = 0; step < 20; ++step) {
    const double rate = 0.1 / (1 + step);
    const auto x = torch::randn({5, 4}, torch::kDouble);
    const auto loss = [&](const std::vector<torch::Tensor>& w) {
      return (torch::matmul(x, w[0]) + w[1]).pow(2).sum();
    };
    optimiser.zero_grad();
    wanted.zero_grad();
    loss(own).backward();
    loss(theirs).backward();
    for (auto& group : wanted.param_groups())
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
    optimiser.step(rate);
    wanted.step();
  }
  for (std::size_t i = 0; i < own.size(); ++i)
    EXPECT_LT((own[i] - theirs[i]).abs().max().item<double>(), 1e-12) << i;
  EXPECT_GT((own[0] - matrix).abs().max().item<double>(), 0.1);
}

}  // namespace
}  // namespace wakebuilder::train
