// libtorch's interpreter of the forward pass: the same numbers as the reference, and gradients that
// are right (libtorch 1.13 of Debian 12 has wrong ones for some operators).

#include "train/autograd.h"

#include <gtest/gtest.h>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/model/load_compact.h"
#include "wakebuilder/model/reference.h"

namespace wakebuilder::train {
namespace {

torch::Tensor to_torch(const core::Tensor& tensor, torch::Dtype dtype) {
  const auto values = tensor.as<float>();
  auto copy = torch::empty(tensor.shape());
  std::copy(values.begin(), values.end(), copy.data_ptr<float>());
  return copy.to(dtype);
}

class AutogradTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto read = checkpoint::read(std::string(WAKEBUILDER_TEST_DATA) + "/compact/computer.pt");
    ASSERT_TRUE(read);
    const auto state = checkpoint::find_state_dict(*read);
    ASSERT_TRUE(state);
    const auto loaded = model::load_compact(state->tensors, state->metadata);
    ASSERT_TRUE(loaded);
    classifier_ = *loaded;
    torch::manual_seed(1);
    tokens_ = torch::randn({5, 96, 11}, torch::kDouble) * 8;
    mask_ = torch::ones({5, 1, 11}, torch::kDouble);
    mask_.slice(0, 3).slice(2, 7).zero_();
  }

  model::Compact<torch::Tensor> network(torch::Dtype dtype) const {
    auto result = model::make_compact<torch::Tensor>(classifier_.config);
    std::vector<torch::Tensor> weights;
    model::visit(classifier_.network, classifier_.config,
                 [&](const auto&, const model::Parameter& weight, const auto&) {
                   weights.push_back(to_torch(weight.tensor, dtype));
                 });
    std::size_t next = 0;
    model::visit(result, classifier_.config, [&](const auto&, torch::Tensor& weight, const auto&) {
      weight = weights[next++];
    });
    return result;
  }

  torch::Tensor logits(const model::Compact<torch::Tensor>& network, torch::Dtype dtype,
                       Autograd op = Autograd()) const {
    return model::classify(op, network, classifier_.config, tokens_.to(dtype), mask_.to(dtype));
  }

  model::CompactClassifier classifier_;
  torch::Tensor tokens_, mask_;
};

TEST_F(AutogradTest, GivesTheLogitsOfTheReference) {
  const auto found = logits(network(torch::kDouble), torch::kDouble);
  model::Reference op;
  const auto array = [](const torch::Tensor& tensor) {
    const auto flat = tensor.contiguous();
    model::Array result;
    result.shape = core::Shape(flat.sizes().begin(), flat.sizes().end());
    result.data.assign(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
    return model::Reference::input(std::move(result));
  };
  const auto wanted =
      model::classify(op, classifier_.network, classifier_.config, array(tokens_), array(mask_));
  for (std::int64_t i = 0; i < 10; ++i)
    EXPECT_NEAR(found.reshape({-1})[i].item<double>(), wanted->data[static_cast<std::size_t>(i)],
                1e-9);
}

/// Gradients of float32 against those of float64, and those against differences.
TEST_F(AutogradTest, GradientsAreRight) {
  const auto gradients = [&](torch::Dtype dtype) {
    const auto weights = network(dtype);
    std::vector<torch::Tensor> learned;
    model::visit(weights, classifier_.config,
                 [&](const std::string& name, const torch::Tensor& weight, const auto&) {
                   if (!name.starts_with("head.") || name.find("running_") != std::string::npos)
                     return;
                   weight.requires_grad_(true);
                   learned.push_back(weight);
                 });
    // As in training: batch norms with the batch's statistics; nothing dropped, so that it repeats.
    const auto loss = torch::log_softmax(logits(weights, dtype, Autograd(Autograd::Training{})), 1)
                          .select(1, 1)
                          .sum();
    loss.backward();
    std::vector<torch::Tensor> result;
    for (const auto& weight : learned) result.push_back(weight.grad().to(torch::kDouble));
    return result;
  };
  const auto single = gradients(torch::kFloat);
  const auto twice = gradients(torch::kDouble);
  ASSERT_EQ(single.size(), twice.size());
  double largest = 0;
  for (const auto& gradient : twice)
    largest = std::max(largest, gradient.abs().max().item<double>());
  for (std::size_t i = 0; i < single.size(); ++i)
    EXPECT_LT((single[i] - twice[i]).abs().max().item<double>(), 1e-3 * largest) << i;
}

}  // namespace
}  // namespace wakebuilder::train
