#include "pipeline/time_axis.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wakebuilder::pipeline {
namespace {

using testing::ElementsAre;

std::vector<std::string> labels(double duration_s) {
  std::vector<std::string> found;
  for (const Tick& tick : time_ticks(duration_s)) found.push_back(tick.label);
  return found;
}

TEST(TimeTicks, AreRoundAndFew) {
  EXPECT_THAT(labels(1), ElementsAre("0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8",
                                     "0.9", "1.0"));
  EXPECT_THAT(labels(4.2),
              ElementsAre("0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0"));
  EXPECT_THAT(labels(30), ElementsAre("0", "5", "10", "15", "20", "25", "30"));
  EXPECT_THAT(labels(75),
              ElementsAre("0:00", "0:10", "0:20", "0:30", "0:40", "0:50", "1:00", "1:10"));
  EXPECT_THAT(labels(1250), ElementsAre("0:00", "5:00", "10:00", "15:00", "20:00"));
  EXPECT_THAT(labels(2 * 3600.0), ElementsAre("0:00:00", "0:15:00", "0:30:00", "0:45:00", "1:00:00",
                                              "1:15:00", "1:30:00", "1:45:00", "2:00:00"));
}

TEST(TimeTicks, AreAtMostElevenForAnyDuration) {
  for (double duration_s = 1e-4; duration_s < 1e9; duration_s *= 1.37) {
    const auto ticks = time_ticks(duration_s);
    EXPECT_LE(ticks.size(), 11U) << duration_s;
    EXPECT_GE(ticks.size(), 1U) << duration_s;
    EXPECT_LE(ticks.back().time_s, duration_s * 1.000001);
  }
}

TEST(TimeUnit, FollowsTheDuration) {
  EXPECT_EQ(time_unit(59.9), "s");
  EXPECT_EQ(time_unit(60), "min:s");
  EXPECT_EQ(time_unit(3600), "h:min:s");
}

TEST(MomentText, IsAsExactAsTheRecordingIsShort) {
  EXPECT_EQ(moment_text(3.416, 20), "3.42 s");
  EXPECT_EQ(moment_text(63.42, 100), "1:03.4");
  EXPECT_EQ(moment_text(59.96, 100), "1:00.0");
  EXPECT_EQ(moment_text(3723.4, 7200), "1:02:03");
  EXPECT_EQ(moment_text(3599.6, 7200), "1:00:00");
}

}  // namespace
}  // namespace wakebuilder::pipeline
