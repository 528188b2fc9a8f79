#include "wakebuilder/core/result.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/version.h"

#include "support/matchers.h"

namespace wakebuilder {
namespace {

using test::HasError;
using test::IsOk;

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::kInvalidArgument, std::to_string(number) + " is odd");
  return number / 2;
}

Result<int> quarter(int number, int& steps) {
  WAKEBUILDER_TRY(const int first, half(number));
  ++steps;
  WAKEBUILDER_TRY(const int second, half(first));
  ++steps;
  return second;
}

Result<void> check_even(int number, bool& reached_the_end) {
  WAKEBUILDER_CHECK(half(number));
  reached_the_end = true;
  return {};
}

Result<std::string> named_half(int number) {
  auto result = half(number);
  if (!result) return fail_in("model.pt", std::move(result).error());
  return std::to_string(*result);
}

TEST(Result, TryBindsTheValue) {
  int steps = 0;
  EXPECT_EQ(quarter(12, steps), 3);
  EXPECT_EQ(steps, 2);
}

TEST(Result, TryLeavesTheFunctionAtTheFirstError) {
  int steps = 0;
  EXPECT_THAT(quarter(6, steps), HasError(ErrorCode::kInvalidArgument, "3 is odd"));
  EXPECT_EQ(steps, 1);
}

TEST(Result, TryMovesWhatCannotBeCopied) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  const auto use = [&]() -> Result<int> {
    WAKEBUILDER_TRY(const auto owner, make());
    return *owner;
  };
  EXPECT_EQ(use(), 7);
}

TEST(Result, TryEvaluatesItsExpressionOnce) {
  int calls = 0;
  const auto count = [&]() -> Result<int> { return ++calls; };
  const auto use = [&]() -> Result<int> {
    WAKEBUILDER_TRY(const int number, count());
    return number;
  };
  EXPECT_EQ(use(), 1);
}

TEST(Result, TryTakesTypesWithCommas) {
  const auto make = []() -> Result<std::pair<int, int>> { return std::pair<int, int>(1, 2); };
  const auto use = [&]() -> Result<int> {
    WAKEBUILDER_TRY(const auto both, [&]() -> Result<std::pair<int, int>> { return make(); }());
    return both.first + both.second;
  };
  EXPECT_EQ(use(), 3);
}

TEST(Result, CheckPassesErrorsOnAndValuesOver) {
  bool reached_the_end = false;
  EXPECT_THAT(check_even(3, reached_the_end), HasError(ErrorCode::kInvalidArgument, "3 is odd"));
  EXPECT_FALSE(reached_the_end);
  EXPECT_THAT(check_even(4, reached_the_end), IsOk());
  EXPECT_TRUE(reached_the_end);
}

TEST(Result, CheckIsOneStatement) {
  const auto function = [](bool check) -> Result<int> {
    if (check)
      WAKEBUILDER_CHECK(half(3));
    else
      return 1;
    return 2;
  };
  EXPECT_EQ(function(false), 1);
  EXPECT_THAT(function(true), HasError(ErrorCode::kInvalidArgument, "odd"));
}

TEST(Result, FailInNamesThePlaceInFrontAndKeepsTheCode) {
  EXPECT_EQ(named_half(3).error(), (Error{ErrorCode::kInvalidArgument, "model.pt: 3 is odd"}));
  EXPECT_EQ(named_half(4), "2");
}

TEST(ErrorCode, HasAStableNameForEach) {
  const std::vector<std::pair<ErrorCode, std::string>> names = {
      {ErrorCode::kInvalidArgument, "invalid_argument"},
      {ErrorCode::kNotFound, "not_found"},
      {ErrorCode::kCorrupt, "corrupt"},
      {ErrorCode::kUnsupported, "unsupported"},
      {ErrorCode::kMismatch, "mismatch"},
      {ErrorCode::kCheckFailed, "check_failed"},
      {ErrorCode::kIo, "io"},
      {ErrorCode::kUnavailable, "unavailable"},
  };
  for (const auto& [code, name] : names) EXPECT_EQ(to_string(code), name);
}

TEST(Expect, ThrowsWithTheConditionAndItsPlace) {
  const int number = 3;
  WAKEBUILDER_EXPECT(number == 3);
  try {
    WAKEBUILDER_EXPECT(number == 4);
    FAIL() << "a broken contract must throw";
  } catch (const std::logic_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("contract broken: number == 4"));
    EXPECT_THAT(error.what(), testing::HasSubstr("result_test.cc:"));
  }
}

TEST(Version, IsTheProjects) { EXPECT_EQ(version(), WAKEBUILDER_VERSION); }

}  // namespace
}  // namespace wakebuilder
