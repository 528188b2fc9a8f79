// WakeBuilder's head: the same numbers as the reference, gradients that are right, and jobs that
// train it.

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/model/classifier.h"
#include "wakebuilder/model/reference.h"

#include "support/heads.h"
#include "support/matchers.h"
#include "support/temporary_folder.h"
#include "train/autograd.h"
#include "train/job_data.h"
#include "train/learner.h"

namespace wakebuilder::train {
namespace {

using test::HasError;
using test::IsOk;

constexpr std::int64_t kDim = 8;

model::Head<torch::Tensor> to_torch(const model::NamedTensors& tensors,
                                    const model::HeadConfig& config, torch::Dtype dtype) {
  auto head = model::make_head<torch::Tensor>(config);
  std::size_t next = 0;
  model::visit(head, config, [&](const auto&, torch::Tensor& weight, const auto&) {
    weight = borrow(tensors[next++].second).clone().to(dtype);
  });
  return head;
}

torch::Tensor inputs() {
  torch::manual_seed(1);
  return torch::randn({6, kDim}, torch::kDouble) * 3;
}

TEST(HeadGraph, GivesTheLogitsOfTheReference) {
  for (const auto& config : test::all_block_combinations(kDim, {7, 5})) {
    const auto tensors = test::random_head(config);
    const auto classifier = model::load_classifier(tensors, core::Dict{});
    ASSERT_THAT(classifier, IsOk());
    const auto x = inputs();
    Autograd op(torch::kDouble);
    const auto found = model::forward(op, to_torch(tensors, config, torch::kDouble), config, x);
    model::Reference reference;
    const double* begin = x.data_ptr<double>();
    const auto wanted =
        model::forward(reference, classifier->head, config,
                       model::Reference::input({{6, kDim}, {begin, begin + x.numel()}}));
    for (std::int64_t i = 0; i < 12; ++i)
      EXPECT_NEAR(found.reshape({-1})[i].item<double>(), wanted->data[static_cast<std::size_t>(i)],
                  1e-9)
          << test::to_string(config);
  }
}

/// Gradients of float64 against differences, those of float32 against these.
TEST(HeadGraph, GradientsAreRight) {
  const model::HeadConfig config = test::all_block_combinations(kDim, {7, 5}).back();
  const auto tensors = test::random_head(config);
  const auto weights_of = [&](model::Head<torch::Tensor>& head) {
    std::vector<torch::Tensor> weights;
    model::visit(head, config, [&](const auto&, torch::Tensor& weight, const auto&) {
      weights.push_back(weight);
    });
    return weights;
  };
  const auto loss_of = [&](const model::Head<torch::Tensor>& head, torch::Dtype dtype) {
    Autograd op(Autograd::Training{}, dtype);
    return torch::log_softmax(model::forward(op, head, config, inputs().to(dtype)), 1)
        .select(1, 1)
        .sum();
  };
  const auto gradients = [&](torch::Dtype dtype) {
    auto head = to_torch(tensors, config, dtype);
    const auto weights = weights_of(head);
    for (const auto& weight : weights) weight.requires_grad_(true);
    loss_of(head, dtype).backward();
    std::vector<torch::Tensor> found;
    for (const auto& weight : weights) found.push_back(weight.grad().to(torch::kDouble));
    return found;
  };
  const auto single = gradients(torch::kFloat);
  const auto twice = gradients(torch::kDouble);
  auto head = to_torch(tensors, config, torch::kDouble);
  const auto weights = weights_of(head);
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EXPECT_LT((single[i] - twice[i]).abs().max().item<double>(), 1e-3) << tensors[i].first;
    auto first = weights[i].reshape({-1})[0];  // one of each will do
    first.add_(kStep);
    const double above = loss_of(head, torch::kDouble).item<double>();
    first.sub_(2 * kStep);
    const double below = loss_of(head, torch::kDouble).item<double>();
    first.add_(kStep);
    EXPECT_NEAR(twice[i].reshape({-1})[0].item<double>(), (above - below) / (2 * kStep), 1e-6)
        << tensors[i].first;
  }
}

TEST(HeadGraph, LeavesHiddenValuesOutInTraining) {
  const model::HeadConfig config = {.embedding_dim = kDim, .hidden_dims = {64}};
  const auto head = to_torch(test::random_head(config), config, torch::kFloat);
  const auto x = inputs().to(torch::kFloat);
  const auto logits = [&](Autograd op) { return model::forward(op, head, config, x); };
  const Autograd training(Autograd::Training{.dropout = 0.5});
  EXPECT_FALSE(torch::equal(logits(training), logits(training)));
  EXPECT_TRUE(torch::equal(logits(Autograd()), logits(Autograd())));
}

class HeadJob : public testing::Test {
 protected:
  void SetUp() override {
    const Rows data = noisy_rows(96, {kDim}, 2.0F, 1);
    const Rows validation = noisy_rows(64, {kDim}, 2.0F, 2);
    write_tensors(job_.data, {{"tokens", data.inputs},
                              {"labels", data.labels},
                              {"validation_tokens", validation.inputs},
                              {"validation_labels", validation.labels}});
    job_.graph = JobGraph::kHead;
    job_.head_config = test::all_block_combinations(kDim, {16, 8}).back();
    job_.options = {
        .steps = 60, .batch = 32, .warm_up = 5, .rate = 5e-3, .average = 0.1, .validate_every = 10};
  }

  test::TemporaryFolder folder_;
  Job job_ = {.data = folder_ / "data.safetensors", .output = folder_ / "head.safetensors"};
};

TEST_F(HeadJob, LearnsAndWritesAHeadThatLoads) {
  job_.options.mixup = 0.3;
  const auto said = run_and_listen(job_);
  ASSERT_THAT(said, IsOk());
  EXPECT_LT(said->of("validation_loss").back(), said->of("validation_loss")[0]);
  EXPECT_GT(said->of("validation_accuracy").back(), 0.9);
  const auto classifier = model::load_classifier(read_weights(job_.output), core::Dict{});
  ASSERT_THAT(classifier, IsOk());
  EXPECT_TRUE(classifier->config.use_attention && classifier->config.use_se_block &&
              classifier->config.use_tcn);
  EXPECT_EQ(classifier->config.hidden_dims, (std::vector<std::int64_t>{16, 8}));
}

TEST_F(HeadJob, GoesOnAfterAStopAsIfThereHadBeenNone) {
  ASSERT_THAT(run(job_), IsOk());
  const auto wanted = core::read_text(job_.output);
  job_.state = folder_ / "state.safetensors";
  ASSERT_THAT(run_and_listen(job_, 23), IsOk());
  EXPECT_NE(core::read_text(job_.output), wanted);
  job_.resume = true;
  ASSERT_THAT(run(job_), IsOk());
  EXPECT_EQ(core::read_text(job_.output), wanted);
}

TEST_F(HeadJob, RefusesEmbeddingsOfAnotherWidth) {
  job_.head_config.embedding_dim = 12;
  EXPECT_THAT(run(job_), HasError(ErrorCode::kMismatch,
                                  "tokens: expected float32 [n, 12] with n of at least 2, found "
                                  "float32 [96, 8]"));
}

/// As PyTorch's modules begin: the bounds of what is uniform, norms of ones and zeros.
TEST(HeadGraph, BeginsAsPyTorchDoes) {
  model::HeadConfig config = test::all_block_combinations(64, {32}).back();
  torch::manual_seed(3);
  const auto learner = make_head_learner(config);
  const auto most = [&](const std::string& name) {
    for (const auto& weight : learner->weights())
      if (weight.name == name) return weight.tensor.abs().max().item<double>();
    ADD_FAILURE() << name;
    return 0.0;
  };
  EXPECT_NEAR(most("classifier.0.weight"), 1 / std::sqrt(64.0), 0.002);
  EXPECT_NEAR(most("attention.attention.in_proj_weight"), std::sqrt(6.0 / (4 * 64)), 0.002);
  EXPECT_NEAR(most("tcn_block.conv.0.weight"), 1 / std::sqrt(3 * 64.0), 0.002);
  EXPECT_GT(most("classifier.0.bias"), 0.05);
  EXPECT_EQ(most("attention.attention.in_proj_bias"), 0);
  EXPECT_EQ(most("attention.attention.out_proj.bias"), 0);
  EXPECT_EQ(most("tcn_block.conv.1.weight"), 1);
  EXPECT_EQ(most("tcn_block.conv.1.bias"), 0);
  EXPECT_EQ(most("classifier.1.bias"), 0);
}

}  // namespace
}  // namespace wakebuilder::train
