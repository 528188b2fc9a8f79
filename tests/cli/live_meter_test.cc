#include "cli/live_meter.h"

#include <cmath>
#include <cstdlib>
#include <fcntl.h>
#include <limits>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wakebuilder::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kWide = 200;

std::string plain(double time_s, double level_dbfs, const std::vector<MeterModel>& models = {},
                  int columns = kWide) {
  return meter_line(time_s, level_dbfs, models, columns, false);
}

std::size_t characters(const std::string& text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U ? 1 : 0;
  return count;
}

TEST(MeterLine, ShowsTimeLevelAndScores) {
  EXPECT_EQ(plain(65.4, -30, {{"jarvis", 0.25, 0.5}, {"alexa", 0.9, 0.5}}),
            "  1:05  -30 dB █████·····  jarvis ██▌··│···· 0.25   alexa █████│███· 0.90*");
}

TEST(MeterLine, CountsMinutesThenHours) {
  EXPECT_THAT(plain(0, -60), testing::StartsWith("  0:00  "));
  EXPECT_THAT(plain(59.99, -60), testing::StartsWith("  0:59  "));
  EXPECT_THAT(plain(3599, -60), testing::StartsWith(" 59:59  "));
  EXPECT_THAT(plain(36000 + 62, -60), testing::StartsWith("10:01:02  "));
  EXPECT_THAT(plain(-1, -60), testing::StartsWith("  0:00  "));
}

TEST(MeterLine, FillsTheLevelInEighthsOfAColumn) {
  EXPECT_EQ(plain(0, 0), "  0:00    0 dB ██████████");
  EXPECT_EQ(plain(0, -0.2), "  0:00    0 dB ██████████");
  EXPECT_EQ(plain(0, 6), "  0:00    0 dB ██████████");
  EXPECT_EQ(plain(0, -60), "  0:00  -60 dB ··········");
  EXPECT_EQ(plain(0, -59.25), "  0:00  -59 dB ▏·········");
  EXPECT_EQ(plain(0, -56.25), "  0:00  -56 dB ▋·········");
  for (const double silent : {-100.0, -kInfinity, std::nan("")})
    EXPECT_EQ(plain(0, silent), "  0:00  -60 dB ··········");
}

TEST(MeterLine, MarksTheThresholdAndWhatReachesIt) {
  EXPECT_THAT(plain(0, -60, {{"a", 0.0, 0.0}}), HasSubstr("a │········· 0.00*"));
  EXPECT_THAT(plain(0, -60, {{"a", 0.0, 1.0}}), HasSubstr("a ·········│ 0.00"));
  EXPECT_THAT(plain(0, -60, {{"a", 0.5, 0.5}}), HasSubstr("a █████│···· 0.50*"));
  EXPECT_THAT(plain(0, -60, {{"a", 0.6, 0.95}}), HasSubstr("a ██████···│ 0.60"));
  EXPECT_THAT(plain(0, -60, {{"a", std::nan(""), 0.5}}), HasSubstr("a ·····│···· 0.00"));
  EXPECT_THAT(plain(0, -60, {{"a", 7, 0.5}}), HasSubstr("a █████│████ 1.00*"));
}

TEST(MeterLine, FitsTheColumns) {
  const std::vector<MeterModel> models = {
      {"jarvis", 0.25, 0.5}, {"alexa", 0.9, 0.5}, {"computer", 0.1, 0.5}};
  EXPECT_EQ(plain(5, -30, models, 79),
            "  0:05  -30 dB █████·····  jarvis ██▌··│···· 0.25   alexa █████│███· 0.90*  +1");
  EXPECT_EQ(plain(5, -30, models, 78), "  0:05  -30 dB █████·····  jarvis ██▌··│···· 0.25   +2");
  EXPECT_EQ(plain(5, -30, models, 40), "  0:05  -30 dB █████·····  +3");
  EXPECT_EQ(plain(5, -30, models, 26), "  0:05  -30 dB █████·····");
  EXPECT_EQ(plain(5, -30, models, 25), "  0:05");
  EXPECT_EQ(plain(5, -30, models, 7), "  0:05");
  EXPECT_EQ(plain(5, -30, models, 6), "");
  EXPECT_EQ(plain(5, -30, models, -1), "");
}

TEST(MeterLine, IsNeverWiderThanAllowed) {
  const std::vector<MeterModel> models = {
      {"jarvis", 0.25, 0.5}, {std::string(50, 'x'), 0.9, 0.5}, {"computer", 0.1, 0.5}};
  for (int columns = 1; columns < 130; ++columns)
    EXPECT_LT(characters(plain(5, -30, models, columns)), static_cast<std::size_t>(columns));
}

TEST(MeterLine, CutsNamesAndMakesThemHarmless) {
  EXPECT_THAT(plain(0, -60, {{"sixteen letters.", 0, 0.5}}), HasSubstr("  sixteen letters. ·"));
  EXPECT_THAT(plain(0, -60, {{"seventeen letters", 0, 0.5}}), HasSubstr("  seventeen lette… ·"));
  EXPECT_THAT(plain(0, -60, {{"\x1b[2J\r\n", 0, 0.5}}), HasSubstr("  \\x1b[2J\\r\\n ·"));
  EXPECT_THAT(plain(0, -60, {{"你好你好你好你好你好", 0, 0.5}}),
              HasSubstr("  你好你好你好你… ·"));  // two columns each
}

TEST(MeterLine, ColoursByLevelAndByThreshold) {
  EXPECT_EQ(
      meter_line(0, -30, std::vector<MeterModel>{{"a", 0.2, 0.5}, {"b", 0.8, 0.5}}, kWide, true),
      "  0:00  -30 dB \x1b[32m█████·····\x1b[0m  a \x1b[36m██···│···· 0.20 \x1b[0m  "
      "b \x1b[1;32m█████│██·· 0.80*\x1b[0m");
  EXPECT_THAT(meter_line(0, -6, {}, kWide, true), HasSubstr("\x1b[33m█"));
  EXPECT_THAT(meter_line(0, -1, {}, kWide, true), HasSubstr("\x1b[31m█"));
}

TEST(MeterLine, CountsNoColumnsForColours) {
  const std::vector<MeterModel> models = {{"jarvis", 0.25, 0.5}};
  EXPECT_THAT(meter_line(0, -30, models, 51, true), HasSubstr("jarvis"));
  EXPECT_THAT(meter_line(0, -30, models, 50, true), Not(HasSubstr("jarvis")));
}

TEST(LiveMeter, RedrawsItsLineOnlyWhenItChanges) {
  std::ostringstream err;
  LiveMeter meter(err, 40, false);
  meter.show(1, -30, {});
  meter.show(1.2, -30, {});
  EXPECT_EQ(err.str(), "\r  0:01  -30 dB █████·····\x1b[K");
  meter.show(2, -60, {});
  EXPECT_THAT(err.str(), testing::EndsWith("\r  0:02  -60 dB ··········\x1b[K"));
}

TEST(LiveMeter, PrintsDetectionsAboveItself) {
  std::ostringstream err;
  LiveMeter meter(err, 40, false);
  meter.detection("before");
  EXPECT_EQ(err.str(), "\rbefore\x1b[K\n");
  meter.show(1, -60, {});
  err.str("");
  meter.detection("jarvis\x1b[2J at 1.0 s");
  EXPECT_EQ(err.str(), "\rjarvis\\x1b[2J at 1.0 s\x1b[K\n  0:01  -60 dB ··········");
}

TEST(LiveMeter, LeavesNothingBehind) {
  std::ostringstream err;
  {
    LiveMeter meter(err, 40, false);
    meter.clear();
    EXPECT_EQ(err.str(), "");
    meter.show(1, -60, {});
    err.str("");
    meter.clear();
    EXPECT_EQ(err.str(), "\r\x1b[K");
    meter.show(1, -60, {});
    err.str("");
  }
  EXPECT_EQ(err.str(), "\r\x1b[K");
}

TEST(LiveMeter, FollowsTheWindow) {
  std::ostringstream err;
  LiveMeter meter(err, 40, false);
  meter.set_columns(10);
  meter.show(1, -60, {});
  EXPECT_EQ(err.str(), "\r  0:01\x1b[K");
}

TEST(TerminalColumns, AreNothingWithoutATerminal) {
  const int file = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  EXPECT_EQ(terminal_columns(file), std::nullopt);
  ::close(file);
}

TEST(TerminalColumns, AreThoseOfTheTerminal) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  EXPECT_EQ(terminal_columns(terminal), 80);  // it does not say
  ::close(terminal);
}

}  // namespace
}  // namespace wakebuilder::cli
