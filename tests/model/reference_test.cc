#include "wakebuilder/model/reference.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wakebuilder::model {
namespace {

using core::Shape;
using core::Tensor;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::Pointwise;

Reference::Value array(Shape shape, std::vector<double> data) {
  return Reference::input({std::move(shape), std::move(data)});
}

Parameter weight(std::vector<float> values, Shape shape) {
  return {"w", Tensor::from(std::move(values), std::move(shape))};
}

auto near(std::vector<double> values) { return Pointwise(DoubleNear(1e-12), std::move(values)); }

TEST(Reference, LinearIsXTimesWeightTransposedPlusBias) {
  Reference op;
  const Linear<Parameter> linear = {weight({1, 2, 3, 4, 5, 6}, {3, 2}), weight({0.5, 0, -1}, {3})};
  const auto y = op.linear("", array({2, 2}, {1, 0, 10, 100}), linear);
  EXPECT_EQ(y->shape, (Shape{2, 3}));
  EXPECT_THAT(y->data, near({1.5, 3, 4, 210.5, 430, 649}));
}

TEST(Reference, Conv1dSeesZerosBesideTheSequence) {
  Reference op;
  const Conv<Parameter> conv = {weight({1, 10, 100}, {1, 1, 3}), weight({0.5}, {1})};
  const auto y = op.conv("", array({1, 1, 4}, {1, 2, 3, 4}), conv, {.padding = {1}});
  EXPECT_EQ(y->shape, (Shape{1, 1, 4}));
  EXPECT_THAT(y->data, near({210.5, 321.5, 432.5, 43.5}));
}

TEST(Reference, Conv1dAddsOverInputChannelsForEachOutput) {
  Reference op;
  const Conv<Parameter> conv = {weight({1, 2, 3, 4}, {2, 2, 1}), weight({0, 0}, {2})};
  const auto y = op.conv("", array({1, 2, 2}, {1, 10, 100, 1000}), conv, {});
  EXPECT_THAT(y->data, near({201, 2010, 403, 4030}));
}

TEST(Reference, Conv1dOnASingleTokenUsesTheMiddleTapOnly) {
  Reference op;
  const Conv<Parameter> conv = {weight({7, 2, 9}, {1, 1, 3}), weight({0}, {1})};
  EXPECT_THAT(op.conv("", array({1, 1, 1}, {3}), conv, {.padding = {1}})->data, near({6}));
}

TEST(Reference, LayerNormUsesTheBiasedVariance) {
  Reference op;
  const Norm<Parameter> norm = {weight({1, 2, 1}, {3}), weight({0, 0, 5}, {3})};
  const double deviation = std::sqrt(2.0 / 3.0 + 1e-5);
  const auto y = op.layer_norm("", array({1, 3}, {1, 2, 3}), norm, 1e-5);
  EXPECT_THAT(y->data, near({-1 / deviation, 0, 1 / deviation + 5}));
}

TEST(Reference, GroupNormTakesChannelsAndLengthTogether) {
  Reference op;
  const Norm<Parameter> norm = {weight({1, 3}, {2}), weight({0, 1}, {2})};
  const auto y = op.group_norm("", array({1, 2, 2}, {1, 1, 3, 3}), norm, 1, 0);
  EXPECT_THAT(y->data, near({-1, -1, 4, 4}));
  const auto apart = op.group_norm("", array({1, 2, 2}, {1, 3, 10, 30}), norm, 2, 0);
  EXPECT_THAT(apart->data, near({-1, 1, -2, 4}));
}

TEST(Reference, SoftmaxStaysFiniteForLargeNumbers) {
  Reference op;
  EXPECT_THAT(op.softmax("", array({1, 2}, {1000, 1000 + std::log(3.0)}))->data,
              near({0.25, 0.75}));
}

TEST(Reference, ActivationsFollowTheirFormulas) {
  Reference op;
  const auto x = array({3}, {-1, 0, 2});
  EXPECT_THAT(op.relu("", x)->data, ElementsAre(0, 0, 2));
  EXPECT_THAT(op.sigmoid("", x)->data,
              near({1 / (1 + std::exp(1.0)), 0.5, 1 / (1 + std::exp(-2.0))}));
  // torch.nn.functional.gelu in float64
  EXPECT_THAT(op.gelu("", x)->data, near({-0.15865525393145707, 0, 1.9544997361036416}));
}

TEST(Reference, ReshapeKeepsAxesOfZeroAndInfersMinusOne) {
  Reference op;
  const auto x = array({2, 6}, std::vector<double>(12, 1));
  EXPECT_EQ(op.reshape("", x, {0, 2, -1})->shape, (Shape{2, 2, 3}));
  EXPECT_THROW(op.reshape("", x, {0, 5}), std::logic_error);
}

TEST(Reference, TransposeAndSplitMoveWholeRuns) {
  Reference op;
  const auto x = array({1, 2, 4}, {0, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_THAT(op.transpose("", x, {0, 2, 1})->data, ElementsAre(0, 4, 1, 5, 2, 6, 3, 7));
  const auto parts = op.split("", x, 2, 2);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_THAT(parts[0]->data, ElementsAre(0, 1, 4, 5));
  EXPECT_THAT(parts[1]->data, ElementsAre(2, 3, 6, 7));
  EXPECT_EQ(parts[1]->shape, (Shape{1, 2, 2}));
}

TEST(Reference, MatmulRunsOverLeadingAxes) {
  Reference op;
  const auto y = op.matmul("", array({2, 1, 2}, {1, 2, 3, 4}), array({2, 2, 1}, {1, 1, 10, 100}));
  EXPECT_EQ(y->shape, (Shape{2, 1, 1}));
  EXPECT_THAT(y->data, near({3, 430}));
}

TEST(Reference, ShapesThatDoNotFitAreABrokenContract) {
  Reference op;
  const Linear<Parameter> linear = {weight({1, 2}, {1, 2}), weight({0}, {1})};
  EXPECT_THROW(op.linear("", array({1, 3}, {1, 2, 3}), linear), std::logic_error);
  EXPECT_THROW(op.add("", array({2}, {1, 2}), array({3}, {1, 2, 3})), std::logic_error);
  EXPECT_THROW(op.squeeze("", array({2}, {1, 2}), 0), std::logic_error);
}

TEST(Reference, RecordsWhatEachScopeGaveWithItsPath) {
  Reference op;
  {
    const auto outer = op.scope("outer");
    op.scope("inner").result(array({1}, {1}));
    outer.result(array({1}, {2}));
  }
  const auto after = op.scope("after");
  after.result(array({1}, {3}));
  std::vector<std::string> names;
  for (const auto& entry : op.outputs()) names.push_back(entry.first);
  EXPECT_THAT(names, ElementsAre("outer/inner", "outer", "after"));
}

TEST(Attend, MixesTokensByTheSoftmaxOfTheirProducts) {
  // One head of width 1: q = k = v = {0, ln 3 / ...}; weights of token 1 are softmax({0, q1 k1}).
  Reference op;
  const double one = std::sqrt(std::log(3.0));
  const auto qkv = array({1, 2, 3}, {0, 0, 5, one, one, 9});
  const auto y = attend(op, qkv, 2, 1, 1);
  EXPECT_EQ(y->shape, (Shape{1, 2, 1}));
  EXPECT_THAT(y->data, near({7, 0.25 * 5 + 0.75 * 9}));
}

TEST(Attend, KeepsHeadsApart) {
  Reference op;
  // Two heads of width 1, one token: the values come out as they are, side by side.
  const auto y = attend(op, array({1, 1, 6}, {1, 2, 3, 4, 5, 6}), 1, 2, 2);
  EXPECT_THAT(y->data, near({5, 6}));
}

}  // namespace
}  // namespace wakebuilder::model
