#include "wakebuilder/core/checked.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "wakebuilder/core/tensor.h"

namespace wakebuilder::core {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t kMaxSigned = std::numeric_limits<std::int64_t>::max();

struct Case {
  std::uint64_t a;
  std::uint64_t b;
  std::optional<std::uint64_t> result;
};

TEST(CheckedMul, GivesTheProductOrNothing) {
  const std::vector<Case> cases = {
      {0, 0, 0},
      {0, kMax, 0},
      {1, kMax, kMax},
      {2, kMax / 2, kMax - 1},
      {2, kMax / 2 + 1, std::nullopt},
      {std::uint64_t{1} << 32U, std::uint64_t{1} << 31U, std::uint64_t{1} << 63U},
      {std::uint64_t{1} << 32U, std::uint64_t{1} << 32U, std::nullopt},  // wraps to 0
      {std::uint64_t{1} << 62U, 4, std::nullopt},                        // wraps to 0
      {4294967295U, 4294967297U, kMax},
      {4294967296U, 4294967297U, std::nullopt},
      {kMax, kMax, std::nullopt},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(checked_mul(c.a, c.b), c.result) << c.a << " * " << c.b;
    EXPECT_EQ(checked_mul(c.b, c.a), c.result) << c.b << " * " << c.a;
  }
}

TEST(CheckedAdd, GivesTheSumOrNothing) {
  const std::vector<Case> cases = {
      {0, 0, 0},
      {0, kMax, kMax},
      {1, kMax, std::nullopt},
      {kMax / 2, kMax / 2, kMax - 1},
      {kMax / 2 + 1, kMax / 2 + 1, std::nullopt},
      {kMax, kMax, std::nullopt},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(checked_add(c.a, c.b), c.result) << c.a << " + " << c.b;
    EXPECT_EQ(checked_add(c.b, c.a), c.result) << c.b << " + " << c.a;
  }
}

struct ShapeCase {
  Shape shape;
  std::optional<std::uint64_t> elements;
};

TEST(ElementCount, CountsOrRefuses) {
  const std::vector<ShapeCase> cases = {
      {{}, 1},
      {{5}, 5},
      {{2, 3, 4}, 24},
      {{0}, 0},
      {{3, 0, 4}, 0},
      {{kMaxSigned}, kMaxSigned},
      {{kMaxSigned, 1, 1}, kMaxSigned},
      {{kMaxSigned, 2}, std::nullopt},             // fits 64 bits, not 63
      {{std::int64_t{1} << 62, 2}, std::nullopt},  // 2^63
      {{std::int64_t{1} << 32, std::int64_t{1} << 32}, std::nullopt},
      {{std::int64_t{1} << 62, 4}, std::nullopt},     // wraps to 0
      {{0, std::int64_t{1} << 62, 4}, std::nullopt},  // 0 hides nothing
      {{std::int64_t{1} << 62, 4, 0}, std::nullopt},
      {{0, std::int64_t{1} << 62}, 0},
      {{-1}, std::nullopt},
      {{-4, -8}, std::nullopt},
      {{0, -1}, std::nullopt},
      {{std::numeric_limits<std::int64_t>::min()}, std::nullopt},
  };
  for (const ShapeCase& c : cases) {
    EXPECT_EQ(element_count(c.shape), c.elements) << to_string(c.shape);
  }
}

}  // namespace
}  // namespace wakebuilder::core
