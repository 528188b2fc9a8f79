// Fine-tuning: backbone and head together, through the pass that is exported.

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/model/load_compact.h"
#include "wakebuilder/model/reference.h"

#include "support/matchers.h"
#include "support/temporary_folder.h"
#include "train/autograd.h"
#include "train/job_data.h"
#include "train/learner.h"

namespace wakebuilder::train {
namespace {

using core::Tensor;
using test::HasError;
using test::IsOk;

constexpr std::int64_t kFrames = 92;  // three tokens

class FineTune : public testing::Test {
 protected:
  void SetUp() override {
    const auto loaded = model::load_compact(
        read_weights(std::string(WAKEBUILDER_TEST_DATA) + "/compact/computer.pt"), core::Dict{});
    ASSERT_THAT(loaded, IsOk());
    golden_ = *loaded;
  }

  model::Compact<torch::Tensor> network(torch::Dtype dtype) const {
    auto result = model::make_compact<torch::Tensor>(golden_.config);
    std::vector<torch::Tensor> weights;
    model::visit(golden_.network, golden_.config,
                 [&](const auto&, const model::Parameter& weight, const auto&) {
                   weights.push_back(borrow(weight.tensor).clone().to(dtype));
                 });
    std::size_t next = 0;
    model::visit(result, golden_.config, [&](const auto&, torch::Tensor& weight, const auto&) {
      weight = weights[next++];
    });
    return result;
  }

  /// Features of noise, the second row padded behind frame 80.
  torch::Tensor features() const {
    torch::manual_seed(1);
    auto x = torch::randn({2, kFrames, 128}, torch::kDouble) * 0.3;
    x.select(0, 1).slice(0, 80).fill_(golden_.config.padding_value());
    return x;
  }

  template <class Ops>
  typename Ops::Value logits(Ops& op, const model::Compact<typename Ops::Weight>& network,
                             typename Ops::Value x) const {
    model::Timeline time(model::kHopFrames);
    const auto hop = model::tokens_of_features(op, network, golden_.config, x, time, 0);
    return model::classify(op, network, golden_.config, hop.fresh.values, hop.fresh.mask);
  }

  model::CompactClassifier golden_;
};

TEST_F(FineTune, GivesTheLogitsOfTheReferenceThroughEverything) {
  const auto x = features();
  Autograd op(torch::kDouble);
  const auto found = logits(op, network(torch::kDouble), x);
  model::Reference reference;
  const double* begin = x.data_ptr<double>();
  const auto wanted =
      logits(reference, golden_.network,
             model::Reference::input({{2, kFrames, 128}, {begin, begin + x.numel()}}));
  for (std::int64_t i = 0; i < 4; ++i)
    EXPECT_NEAR(found.reshape({-1})[i].item<double>(), wanted->data[static_cast<std::size_t>(i)],
                1e-9);
}

/// Gradients of float64 against differences, those of float32 against these.
TEST_F(FineTune, GradientsReachTheFirstConvolution) {
  const auto loss_of = [&](const model::Compact<torch::Tensor>& network, torch::Dtype dtype) {
    Autograd op(dtype);
    return torch::log_softmax(logits(op, network, features().to(dtype)), 1).select(1, 1).sum();
  };
  const auto gradients = [&](torch::Dtype dtype) {
    const auto learned = network(dtype);
    std::vector<torch::Tensor> found;
    for (const auto& conv : learned.backbone.convs) conv.weight.requires_grad_(true);
    loss_of(learned, dtype).backward();
    for (const auto& conv : learned.backbone.convs)
      found.push_back(conv.weight.grad().to(torch::kDouble));
    return found;
  };
  const auto single = gradients(torch::kFloat);
  const auto twice = gradients(torch::kDouble);
  const auto changed = network(torch::kDouble);
  constexpr double kStep = 1e-8;  // greater ones cross kinks of ReLUs and maxima
  for (const std::size_t i : {0U, 1U, 8U, 19U}) {
    EXPECT_LT((single[i] - twice[i]).norm().item<double>(), 0.02 * twice[i].norm().item<double>())
        << i;
    const auto direction = twice[i] / twice[i].norm();
    changed.backbone.convs[i].weight.add_(direction, kStep);
    const double above = loss_of(changed, torch::kDouble).item<double>();
    changed.backbone.convs[i].weight.sub_(direction, 2 * kStep);
    const double below = loss_of(changed, torch::kDouble).item<double>();
    changed.backbone.convs[i].weight.add_(direction, kStep);
    const double slope = (above - below) / (2 * kStep);
    EXPECT_NEAR(twice[i].norm().item<double>(), slope, 1e-3 * slope) << i;
  }
}

class FineTuneJob : public FineTune {
 protected:
  void SetUp() override {
    FineTune::SetUp();
    write_backbone();
    Rows data = noisy_rows(24, {kFrames, 128}, 0.5F, 1);
    const Rows tokens = noisy_rows(24, {96, 3}, 0.5F, 1);
    const Rows validation = noisy_rows(8, {kFrames, 128}, 0.5F, 2);
    write_tensors(job_.data, {{"tokens", tokens.inputs},
                              {"windows", data.inputs},
                              {"labels", data.labels},
                              {"validation_windows", validation.inputs},
                              {"validation_labels", validation.labels}});
    job_.config = {
        .heads = 2, .window = 3, .width = 16, .se_dim = 4, .dilations = {1}, .hidden_dims = {12}};
    job_.options = {
        .steps = 6, .batch = 8, .warm_up = 2, .mixup = 0.3, .dropout = 0, .channel_dropout = 0.1};
    HeadOptions options = job_.options;
    options.steps = 18;
    options.rate = 3e-3;
    options.mixup = 0;
    options.hardest = 1;
    options.average = 0.5;
    options.validate_every = 6;
    job_.fine_tuning = FineTuning{.backbone = folder_ / "backbone.safetensors", .options = options};
  }

  void write_backbone() const {
    core::Dict tensors = {{"bridge", golden_.network.bridge.tensor}};
    model::visit(golden_.network.backbone, "",
                 [&](const std::string& name, const model::Parameter& weight, const auto&) {
                   tensors.emplace_back(name, weight.tensor);
                 });
    write_tensors(folder_ / "backbone.safetensors", tensors);
  }

  test::TemporaryFolder folder_;
  Job job_ = {.data = folder_ / "data.safetensors", .output = folder_ / "network.safetensors"};
};

TEST_F(FineTuneJob, LearnsInTheBackboneToo) {
  const auto said = run_and_listen(job_);
  ASSERT_THAT(said, IsOk());
  EXPECT_THAT(said->of("step"), testing::ElementsAre(6, 12, 18));
  EXPECT_LT(said->of("train_loss")[2], said->of("train_loss")[0]);
  EXPECT_LT(said->of("validation_loss")[2], said->of("validation_loss")[0]);
  for (const auto& line : said->validated)
    EXPECT_EQ(*line.find("phase")->get_if<std::string>(), "fine_tune");
  EXPECT_EQ(said->progress.front().find("phase"), nullptr);  // the head's

  // With the bridge it is a whole network, whose backbone is another one in every layer.
  auto weights = read_weights(job_.output);
  weights.emplace_back("bridge", golden_.network.bridge.tensor);
  const auto loaded = model::load_compact(weights, core::Dict{});
  ASSERT_THAT(loaded, IsOk());
  for (std::size_t i = 0; i < model::kEmbeddingLayerCount; ++i) {
    const auto before = borrow(golden_.network.backbone.convs[i].weight.tensor);
    const auto after = borrow(loaded->network.backbone.convs[i].weight.tensor);
    EXPECT_GT((after - before).abs().max().item<double>(), 1e-4) << i;
  }
}

TEST_F(FineTuneJob, BeginsWithAHeadOfAFile) {
  Job head = job_;
  head.fine_tuning.reset();
  head.output = folder_ / "head.safetensors";
  ASSERT_THAT(run(head), IsOk());
  ASSERT_THAT(run(job_), IsOk());
  const auto wanted = core::read_text(job_.output);
  job_.start = head.output;
  const auto said = run_and_listen(job_);
  ASSERT_THAT(said, IsOk());
  EXPECT_EQ(core::read_text(job_.output), wanted);
  for (const auto& line : said->progress) EXPECT_NE(line.find("phase"), nullptr);
  job_.start = job_.fine_tuning->backbone;
  EXPECT_THAT(run(job_), HasError(ErrorCode::kMismatch,
                                  "backbone.safetensors: head.input_norm.weight: expected float32 "
                                  "[96], found no such tensor"));
}

TEST_F(FineTuneJob, GoesOnAfterAStopInEitherPart) {
  ASSERT_THAT(run(job_), IsOk());
  const auto wanted = core::read_text(job_.output);
  job_.state = folder_ / "state.safetensors";
  for (const int stop_after : {4, 6 + 10}) {
    job_.resume = false;
    ASSERT_THAT(run_and_listen(job_, stop_after), IsOk());
    EXPECT_NE(core::read_text(job_.output), wanted);
    job_.resume = true;
    ASSERT_THAT(run(job_), IsOk());
    EXPECT_EQ(core::read_text(job_.output), wanted) << stop_after;
  }
  Job head = job_;
  head.fine_tuning.reset();
  EXPECT_THAT(run(head),
              HasError(ErrorCode::kMismatch, "expected the training of a head alone, found one"));
  write_tensors(job_.fine_tuning->backbone, {{"bridge", golden_.network.bridge.tensor}});
  EXPECT_THAT(run(job_), HasError(ErrorCode::kMismatch, "backbone.safetensors: conv_0.weight"));
}

TEST_F(FineTuneJob, NeedsWindowsAndABridge) {
  const Rows tokens = noisy_rows(24, {96, 3}, 0.5F, 1);
  write_tensors(job_.data, {{"tokens", tokens.inputs}, {"labels", tokens.labels}});
  EXPECT_THAT(run(job_), HasError(ErrorCode::kMismatch, "found no windows"));
  const Rows few = noisy_rows(24, {75, 128}, 0.5F, 1);
  write_tensors(job_.data,
                {{"tokens", tokens.inputs}, {"windows", few.inputs}, {"labels", tokens.labels}});
  EXPECT_THAT(run(job_), HasError(ErrorCode::kMismatch, "windows: expected 76 to 65536 frames"));
  FineTuneJob::SetUp();
  write_tensors(job_.fine_tuning->backbone, {{"x", tokens.labels}});
  EXPECT_THAT(run(job_), HasError(ErrorCode::kMismatch, "bridge: expected float32 [128, 32]"));
}

}  // namespace
}  // namespace wakebuilder::train
