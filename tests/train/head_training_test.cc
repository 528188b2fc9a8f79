#include "train/head_training.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/model/load_compact.h"
#include "wakebuilder/model/reference.h"

#include "support/matchers.h"

namespace wakebuilder::train {
namespace {

using core::Tensor;
using test::HasError;
using test::IsOk;

constexpr std::int64_t kTokens = 11;

/// Noise; windows with the wake word have two neighbouring tokens of their own in it, anywhere.
Rows windows(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0, 1);
  std::vector<float> tokens(static_cast<std::size_t>(count * 96 * kTokens));
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(count));
  for (float& value : tokens) value = noise(random);
  for (std::size_t n = 0; n < labels.size(); ++n) {
    labels[n] = random() % 5 < 2 ? 1 : 0;
    if (labels[n] == 0) continue;
    const std::size_t at = random() % (kTokens - 1);
    for (std::size_t channel = 0; channel < 96; ++channel)
      for (std::size_t t = at; t < at + 2; ++t)
        tokens[(n * 96 + channel) * kTokens + t] +=
            1.5F * std::sin(static_cast<float>(channel * (1 + t - at)));
  }
  return {Tensor::from(std::move(tokens), {count, 96, kTokens}),
          Tensor::from(std::move(labels), {count})};
}

HeadOptions quick() { return {.steps = 60, .batch = 64, .warm_up = 10, .average = 0.1}; }

/// A compact network around the head, so that the loader and the reference take it.
model::Compact<model::Parameter> network_of(const model::NamedTensors& head,
                                            const model::CompactConfig& config) {
  auto network = model::make_compact<model::Parameter>(config);
  model::visit(network, config,
               [&](const std::string& name, model::Parameter& weight, const core::Shape& shape) {
                 const auto found = std::ranges::find_if(
                     head, [&](const auto& item) { return item.first == name; });
                 if (found == head.end()) return;
                 EXPECT_EQ(found->second.shape(), shape) << name;
                 weight = {name, found->second};
               });
  return network;
}

/// Logits [n, 2] of the trained head in the reference interpreter.
std::vector<double> logits_of(const model::NamedTensors& head, const model::CompactConfig& config,
                              const Rows& data) {
  const auto network = network_of(head, config);
  model::Reference op;
  const std::int64_t count = data.inputs.shape()[0];
  const auto x = model::Reference::input(model::to_array(data.inputs));
  const auto mask = model::Reference::input(model::to_array(Tensor::from(
      std::vector<float>(static_cast<std::size_t>(count * kTokens), 1.0F), {count, 1, kTokens})));
  return model::classify(op, network, config, x, mask)->data;
}

/// Share of the windows whose label the head tells.
double accuracy(const std::vector<double>& logits, const Rows& data) {
  const auto labels = data.labels.as<std::uint8_t>();
  std::size_t right = 0;
  for (std::size_t n = 0; n < labels.size(); ++n)
    right += (logits[2 * n + 1] > logits[2 * n]) == (labels[n] == 1) ? 1U : 0U;
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

TEST(HeadTraining, LearnsToTellTheWord) {
  const model::CompactConfig config;
  const auto head = train_head(windows(1500, 1), config, quick());
  ASSERT_THAT(head, IsOk());
  const Rows others = windows(400, 2);
  EXPECT_GT(accuracy(logits_of(*head, config, others), others), 0.95);
}

/// The test above can fail: with labels that say nothing there is nothing to learn.
TEST(HeadTraining, LearnsNothingFromShuffledLabels) {
  const model::CompactConfig config;
  Rows data = windows(1500, 1);
  const auto labels = data.labels.as<std::uint8_t>();
  std::vector<std::uint8_t> shuffled(labels.begin(), labels.end());
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(3));
  data.labels = Tensor::from(std::move(shuffled), {1500});
  const auto head = train_head(data, config, quick());
  ASSERT_THAT(head, IsOk());
  const Rows others = windows(400, 2);
  EXPECT_LT(accuracy(logits_of(*head, config, others), others), 0.75);
}

TEST(HeadTraining, GivesTheSameWeightsForTheSameSeed) {
  const model::CompactConfig config;
  const Rows data = windows(200, 1);
  HeadOptions options = quick();
  options.steps = 12;
  const auto first = train_head(data, config, options);
  const auto second = train_head(data, config, options);
  options.seed = 1;
  const auto other = train_head(data, config, options);
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first->size(), second->size());
  for (std::size_t i = 0; i < first->size(); ++i)
    EXPECT_TRUE(std::ranges::equal((*first)[i].second.bytes(), (*second)[i].second.bytes()));
  EXPECT_FALSE(std::ranges::equal((*first)[0].second.bytes(), (*other)[0].second.bytes()));
}

TEST(HeadTraining, TakesOtherDimensions) {
  const model::CompactConfig config = {
      .heads = 2, .window = 3, .width = 24, .se_dim = 6, .dilations = {1}, .hidden_dims = {10}};
  HeadOptions options = quick();
  options.steps = 5;
  const auto head = train_head(windows(100, 1), config, options);
  ASSERT_THAT(head, IsOk());
  EXPECT_EQ(logits_of(*head, config, windows(10, 2)).size(), 20U);
}

TEST(HeadTraining, TellsHowFarItIsAndStopsWhenToldTo) {
  std::vector<HeadProgress> told;
  const auto head = train_head(windows(100, 1), {}, quick(), [&](const HeadProgress& progress) {
    told.push_back(progress);
    return false;
  });
  ASSERT_THAT(head, IsOk());
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].step, 1);
  EXPECT_EQ(told[0].steps, 60);
  EXPECT_GT(told[0].loss, 0.1);
  told.clear();
  HeadOptions options = quick();
  options.steps = 8;
  ASSERT_THAT(train_head(windows(100, 1), {}, options,
                         [&](const HeadProgress& progress) {
                           told.push_back(progress);
                           return true;
                         }),
              IsOk());
  EXPECT_EQ(told.back().step, 8);
  EXPECT_EQ(told.back().remaining_s, 0);
}

TEST(HeadTraining, RefusesDataThatTeachNothing) {
  Rows data = windows(20, 1);
  data.labels = Tensor::from(std::vector<std::uint8_t>(20, 1), {20});
  EXPECT_THAT(train_head(data, {}), HasError(ErrorCode::kMismatch, "found 20 and 0"));
  data.labels = Tensor::from(std::vector<std::uint8_t>(19, 1), {19});
  EXPECT_THAT(train_head(data, {}), HasError(ErrorCode::kMismatch, "labels: expected uint8 [20]"));
  data.labels = Tensor::from(std::vector<std::uint8_t>(20, 2), {20});
  EXPECT_THAT(train_head(data, {}), HasError(ErrorCode::kCorrupt, "labels: expected 0 and 1"));
  data.inputs = Tensor::from(std::vector<float>(20 * 95, 0), {20, 95, 1});
  EXPECT_THAT(train_head(data, {}), HasError(ErrorCode::kMismatch, "[20, 95, 1]"));
  data.inputs = Tensor::from(std::vector<float>(20 * 96, std::numeric_limits<float>::quiet_NaN()),
                             {20, 96, 1});
  data.labels = windows(20, 1).labels;
  EXPECT_THAT(train_head(data, {}), HasError(ErrorCode::kCorrupt, "tokens: expected finite"));
}

TEST(HeadTraining, RefusesOptionsOutOfRange) {
  EXPECT_THAT(check(HeadOptions{.steps = 0}),
              HasError(ErrorCode::kInvalidArgument, "steps: expected 1 to 1e+06, found 0"));
  EXPECT_THAT(check(HeadOptions{.dropout = 1}), HasError(ErrorCode::kInvalidArgument, "dropout"));
  EXPECT_THAT(check(HeadOptions{.threads = 0}), HasError(ErrorCode::kInvalidArgument, "threads"));
}

}  // namespace
}  // namespace wakebuilder::train
