#include "audio/sample_ring.h"

#include <numeric>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wakebuilder::audio {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<float> counted(float first, std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

TEST(SampleRing, GivesWhatWasPutInTheSameOrder) {
  SampleRing ring(4);
  EXPECT_THAT(ring.peek(), IsEmpty());
  EXPECT_EQ(ring.push(counted(1, 3)), 3U);
  EXPECT_THAT(ring.peek(), ElementsAre(1, 2, 3));
  ring.pop(2);
  EXPECT_THAT(ring.peek(), ElementsAre(3));
}

TEST(SampleRing, TakesOnlyWhatFits) {
  SampleRing ring(4);
  EXPECT_EQ(ring.push(counted(1, 6)), 4U);
  EXPECT_EQ(ring.push(counted(9, 1)), 0U);
  EXPECT_THAT(ring.peek(), ElementsAre(1, 2, 3, 4));
}

TEST(SampleRing, GivesWhatGoesRoundInTwoParts) {
  SampleRing ring(4);
  ring.push(counted(1, 3));
  ring.pop(3);
  EXPECT_EQ(ring.push(counted(4, 3)), 3U);
  EXPECT_THAT(ring.peek(), ElementsAre(4));
  ring.pop(1);
  EXPECT_THAT(ring.peek(), ElementsAre(5, 6));
}

TEST(SampleRing, LosesNothingBetweenTwoThreads) {
  constexpr std::size_t kCount = 200'000;
  SampleRing ring(61);
  std::thread writer([&ring] {
    for (std::size_t done = 0; done < kCount;)
      done +=
          ring.push(counted(static_cast<float>(done), std::min<std::size_t>(17, kCount - done)));
  });
  std::vector<float> got;
  while (got.size() < kCount) {
    const auto some = ring.peek();
    got.insert(got.end(), some.begin(), some.end());
    ring.pop(some.size());
  }
  writer.join();
  EXPECT_EQ(got, counted(0, kCount));
}

}  // namespace
}  // namespace wakebuilder::audio
