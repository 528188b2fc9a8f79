#include "wakebuilder/pipeline/error_rates.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wakebuilder::pipeline {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

TEST(FalseAccepts, CountsAgainOnlyAfterASecond) {
  const Trace trace = {{1.0, 0.9}, {1.5, 0.9}, {1.99, 0.9}, {2.0, 0.9}, {2.9, 0.9}};
  EXPECT_THAT(false_accepts(trace, 0.5), ElementsAre(ScorePoint{1.0, 0.9}, ScorePoint{2.0, 0.9}));
}

TEST(FalseAccepts, TellsTheHighestScoreOfEach) {
  const Trace trace = {{1.0, 0.6}, {1.5, 0.8}, {1.6, 0.7}, {3.0, 0.4}, {4.0, 0.5}};
  EXPECT_THAT(false_accepts(trace, 0.5), ElementsAre(ScorePoint{1.5, 0.8}, ScorePoint{4.0, 0.5}));
}

TEST(FalseAccepts, CountsAPeakThatIsLaterFromItsFirstScore) {
  // The event began at 1.0, so that 2.0 is another one although 1.9 was higher.
  const Trace trace = {{1.0, 0.6}, {1.9, 0.8}, {2.0, 0.6}};
  EXPECT_THAT(false_accepts(trace, 0.5), ElementsAre(ScorePoint{1.9, 0.8}, ScorePoint{2.0, 0.6}));
}

/// An hour: false accepts at 0.9, 0.7 and 0.5, each in a clip of its own.
ErrorRates three_in_an_hour(std::vector<double> positives) {
  return {std::move(positives), {{{1, 0.9}, {2, 0.1}}, {{1, 0.7}}, {{1, 0.5}}}, 1};
}

TEST(ErrorRates, CountsScoresAtTheThreshold) {
  const auto rates = three_in_an_hour({0.6});
  EXPECT_EQ(rates.events(0.95), 0U);
  EXPECT_EQ(rates.events(0.9), 1U);
  EXPECT_EQ(rates.events(0.6), 2U);
  EXPECT_EQ(rates.events(0.1), 4U);  // 0.1 comes a second after 0.9
}

TEST(ErrorRates, MissesWhatIsNotAboveTheFirstScoreThatIsTooMany) {
  const auto rates = three_in_an_hour({0.4, 0.6, 0.8, 0.95});
  const auto one = rates.at(1);
  EXPECT_THAT(one.threshold, DoubleEq(0.7));  // a second false accept comes at 0.7
  EXPECT_THAT(one.per_hour, DoubleEq(1));
  EXPECT_THAT(one.miss_rate, DoubleEq(0.5));
  EXPECT_THAT(rates.at(2).miss_rate, DoubleEq(0.25));
}

TEST(ErrorRates, NeedsToBeAboveAllNegativesWhereNoFalseAcceptIsAllowed) {
  const auto point = three_in_an_hour({0.4, 0.9, 0.95}).at(0.5);
  EXPECT_THAT(point.threshold, DoubleEq(0.9));
  EXPECT_THAT(point.per_hour, DoubleEq(0));
  EXPECT_THAT(point.miss_rate, DoubleEq(2.0 / 3));
}

TEST(ErrorRates, TakesTheLowestScoreWhereAllFalseAcceptsAreAllowed) {
  EXPECT_THAT(three_in_an_hour({0.05, 0.2}).at(10).threshold, DoubleEq(0.1));
  EXPECT_THAT(three_in_an_hour({0.05, 0.2}).at(10).miss_rate, DoubleEq(0.5));
}

TEST(ErrorRates, CountsPerHour) {
  const ErrorRates rates({0.6}, {{{1, 0.9}}, {{1, 0.7}}, {{1, 0.5}}}, 2);
  EXPECT_THAT(rates.at(1).threshold, DoubleEq(0.5));  // two in two hours
  EXPECT_THAT(rates.at(1).per_hour, DoubleEq(1));
}

TEST(ErrorRates, RanksTiesAsHalfInTheAreaUnderTheCurve) {
  // Pairs: 0.5 against 0.9, 0.7, 0.5 has half a win; 0.8 has two.
  EXPECT_THAT(three_in_an_hour({0.5, 0.8}).auc(), DoubleEq(2.5 / 6));
  EXPECT_THAT(three_in_an_hour({0.91}).auc(), DoubleEq(1));
  EXPECT_THAT(three_in_an_hour({0.1}).auc(), DoubleEq(0));
}

TEST(ErrorRates, FindsWhereBothErrorsAreClosest) {
  // At 0.6: misses 1 of 4, accepts 2 of 3. At 0.8: 2 of 4 and 1 of 3, which are closest.
  EXPECT_THAT(three_in_an_hour({0.4, 0.6, 0.8, 0.95}).equal_error_rate(),
              DoubleEq((0.5 + 1.0 / 3) / 2));
  EXPECT_THAT(three_in_an_hour({0.95, 0.99}).equal_error_rate(), DoubleEq(0));
}

TEST(ErrorRates, RefusesNothingToCount) {
  EXPECT_THROW(ErrorRates({}, {{{1, 0.9}}}, 1), std::logic_error);
  EXPECT_THROW(ErrorRates({0.5}, {}, 1), std::logic_error);
  EXPECT_THROW(ErrorRates({0.5}, {{{1, 0.9}}}, 0), std::logic_error);
}

}  // namespace
}  // namespace wakebuilder::pipeline
