#include "wakebuilder/corpus/bank.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

namespace wakebuilder::corpus {
namespace {

Frames piece(float value, std::size_t frames = 3) { return Frames(frames * kBins, value); }

TEST(Random, GivesTheSameNumbersEverywhere) {
  Random random(1);
  EXPECT_EQ(random.bits(), 0xb3f2af6d0fc710c5U);
  EXPECT_EQ(random.bits(), 0x853b559647364ceaU);
  Random other(2);
  EXPECT_NE(other.bits(), 0xb3f2af6d0fc710c5U);
}

TEST(Random, DrawsFromItsDistributions) {
  Random random(5);
  double sum = 0;
  double squares = 0;
  double exponential = 0;
  constexpr int kCount = 20'000;
  for (int i = 0; i < kCount; ++i) {
    const double value = random.normal();
    sum += value;
    squares += value * value;
    exponential += random.exponential(6);
    const double even = random.uniform(2, 3);
    EXPECT_TRUE(even >= 2 && even < 3);
    const auto number = random.integer(-1, 2);
    EXPECT_TRUE(number >= -1 && number <= 2);
  }
  EXPECT_NEAR(sum / kCount, 0, 0.03);
  EXPECT_NEAR(squares / kCount, 1, 0.05);
  EXPECT_NEAR(exponential / kCount, 6, 0.2);
}

TEST(Bank, KeepsPiecesToAThousandthOfADecibel) {
  Bank bank;
  Frames ramp;
  for (std::size_t i = 0; i < 2 * kBins; ++i) ramp.push_back(-16 + 0.1F * static_cast<float>(i));
  bank.add(Kind::kWord, "a", ramp);
  Random random(1);
  const Frames found = bank.draw(Kind::kWord, random).unpack();
  ASSERT_EQ(found.size(), ramp.size());
  for (std::size_t i = 0; i < ramp.size(); ++i) EXPECT_NEAR(found[i], ramp[i], 1.0 / 2048);
  EXPECT_EQ(bank.count(Kind::kWord), 1U);
  EXPECT_EQ(bank.count(Kind::kNear), 0U);
  EXPECT_EQ(bank.frames(), 2U);
}

TEST(Bank, CutsWhatIsBeyondItsRange) {
  Bank bank;
  bank.add(Kind::kWord, "a", piece(100));
  Random random(1);
  EXPECT_NEAR(bank.draw(Kind::kWord, random).unpack()[0], 32, 0.01);
}

/// However many pieces a group has, it is drawn as often as it weighs.
TEST(Bank, DrawsGroupsByTheirWeights) {
  Bank bank;
  for (int i = 0; i < 90; ++i) bank.add(Kind::kWord, "many", piece(1));
  bank.add(Kind::kWord, "few", piece(2));
  bank.add(Kind::kWord, "never", piece(3));
  bank.set_weight("many", 0.25);
  bank.set_weight("few", 0.75);
  bank.set_weight("never", 0);
  Random random(9);
  std::map<int, int> counts;
  for (int i = 0; i < 4000; ++i)
    ++counts[static_cast<int>(std::lround(bank.draw(Kind::kWord, random).unpack()[0]))];
  EXPECT_NEAR(counts[1], 1000, 120);
  EXPECT_NEAR(counts[2], 3000, 120);
  EXPECT_EQ(counts[3], 0);
}

}  // namespace
}  // namespace wakebuilder::corpus
