#include "wakebuilder/model/fold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/model/reference.h"

#include "support/heads.h"
#include "support/matchers.h"

namespace wakebuilder::model {
namespace {

using ::testing::DoubleNear;
using ::testing::Pointwise;

Classifier load(const HeadConfig& config) {
  auto classifier = load_classifier(test::random_head(config), core::Dict{});
  EXPECT_THAT(classifier, test::IsOk());
  return *std::move(classifier);
}

Array rows(std::int64_t count, std::int64_t width) {
  Array array{{count, width}, {}};
  for (std::int64_t i = 0; i < count * width; ++i)
    array.data.push_back(std::sin(static_cast<double>(i * i)));
  return array;
}

std::vector<double> logits(const Head<Parameter>& head, const HeadConfig& config) {
  Reference op;
  return forward(op, head, config, Reference::input(rows(3, config.embedding_dim)))->data;
}

std::size_t parameters(Head<Parameter>& head, const HeadConfig& config) {
  std::size_t count = 0;
  visit(head, config, [&](const auto&, const Parameter& parameter, const core::Shape& shape) {
    EXPECT_EQ(parameter.tensor.shape(), shape) << parameter.name;
    count += parameter.tensor.size();
  });
  return count;
}

TEST(Fold, GivesTheSameLogitsForEveryCombinationOfBlocks) {
  for (const HeadConfig& config : test::all_block_combinations(24, {12, 8})) {
    const Classifier classifier = load(config);
    const auto faithful = logits(classifier.head, config);
    // The folded matrix is rounded to float32 once: 24 products of numbers below 1 by 6e-8 each.
    EXPECT_THAT(logits(fold(classifier.head, config), config),
                Pointwise(DoubleNear(5e-6), faithful))
        << test::to_string(config);
  }
}

TEST(Fold, ShrinksTheFullHeadToTheDocumentedSize) {
  const HeadConfig config = {.embedding_dim = 768,
                             .hidden_dims = {256, 128},
                             .use_attention = true,
                             .use_se_block = true,
                             .use_tcn = true,
                             .se_dim = 192};
  Classifier classifier = load(config);
  EXPECT_EQ(classifier.parameters(), 6435650U);
  auto folded = fold(classifier.head, config);
  EXPECT_EQ(parameters(folded, config), 2304578U);
}

TEST(Fold, AttentionBecomesTheProductOfValueAndOutputProjection) {
  const HeadConfig config = {.embedding_dim = 4, .hidden_dims = {}, .use_attention = true};
  NamedTensors tensors = test::random_head(config);
  const auto set = [&](const std::string& name, std::vector<float> values) {
    for (auto& [key, tensor] : tensors) {
      if (key == name) tensor = core::Tensor::from(std::move(values), tensor.shape());
    }
  };
  std::vector<float> in_proj(48, 99.0F);  // queries and keys must not matter
  for (std::size_t i = 0; i < 16; ++i) in_proj[32 + i] = i % 5 == 0 ? 2.0F : 0.0F;  // Wv = 2 I
  set("attention.attention.in_proj_weight", in_proj);
  set("attention.attention.in_proj_bias", {9, 9, 9, 9, 9, 9, 9, 9, 1, 0, 0, 0});
  set("attention.attention.out_proj.weight",
      {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  set("attention.attention.out_proj.bias", {100, 0, 0, 0});
  const auto classifier = load_classifier(tensors, core::Dict{});
  ASSERT_THAT(classifier, test::IsOk());
  const auto folded = fold(classifier->head, config);
  const auto& block = std::get<FoldedSelfAttention<Parameter>>(*folded.attention);
  const auto weight = block.mix.weight.tensor.as<float>();
  const auto bias = block.mix.bias.tensor.as<float>();
  EXPECT_THAT(std::vector<float>(weight.begin(), weight.begin() + 4),
              ::testing::ElementsAre(2, 4, 6, 8));
  EXPECT_THAT(std::vector<float>(bias.begin(), bias.end()), ::testing::ElementsAre(101, 5, 9, 13));
}

TEST(Fold, IsIdempotent) {
  const HeadConfig config = {
      .embedding_dim = 8, .hidden_dims = {4}, .use_attention = true, .use_tcn = true};
  const Classifier classifier = load(config);
  const auto once = fold(classifier.head, config);
  EXPECT_EQ(logits(fold(once, config), config), logits(once, config));
}

TEST(Fold, LeavesAHeadWithoutBlocksAsItIs) {
  const HeadConfig config = {.embedding_dim = 8, .hidden_dims = {4}};
  const Classifier classifier = load(config);
  EXPECT_EQ(logits(fold(classifier.head, config), config), logits(classifier.head, config));
}

}  // namespace
}  // namespace wakebuilder::model
