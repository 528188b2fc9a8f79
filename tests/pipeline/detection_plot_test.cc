#include "wakebuilder/pipeline/detection_plot.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wakebuilder::pipeline {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// Ten seconds of silence with one loud sample.
DetectionPlot ten_seconds(std::vector<PlotSeries> series = {{"jarvis", 0.5}}) {
  DetectionPlot plot("kitchen.wav", std::move(series));
  std::vector<float> samples(160'000);
  samples[80'000] = 0.4F;
  plot.add_sound(samples);
  return plot;
}

TEST(DetectionPlot, DrawsScoresThresholdSoundAndDetections) {
  DetectionPlot plot = ten_seconds();
  plot.add_score(0, 0, 0);
  plot.add_score(0, 5, 1);
  plot.add_score(0, 10, 0.5);
  plot.add_detection(0, 5, 1);
  const std::string svg = plot.svg();
  EXPECT_THAT(svg, testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\""));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr("class=\"title\">kitchen.wav</text>"));
  EXPECT_THAT(svg, HasSubstr(">10.00 s, 1 detection</text>"));
  EXPECT_THAT(svg, HasSubstr(">jarvis (threshold 0.5)</text>"));
  EXPECT_THAT(svg, HasSubstr("class=\"time f0\" text-anchor=\"middle\">5.00 s</text>"));
  EXPECT_THAT(svg, HasSubstr("<title>jarvis at 5.00 s, score 1.00</title>"));
  // Panel of scores: 64 to 928, 107 (score 1) to 327 (0).
  EXPECT_THAT(svg, HasSubstr("class=\"score s0\" d=\"M64 327L496 107L928 217\""));
  EXPECT_THAT(svg, HasSubstr("class=\"threshold s0\" stroke-dasharray=\"6 4\" "
                             "stroke-dashoffset=\"0\" d=\"M64 217L928 217\""));
  EXPECT_THAT(svg, HasSubstr("class=\"marker f0\" d=\"M496 107m"));
  EXPECT_THAT(svg, HasSubstr(">time (s)</text>"));
  EXPECT_THAT(svg, HasSubstr(">0.5</text>"));  // the sound's scale
  EXPECT_EQ(count_of(svg, "class=\"sound\" d=\"M64"), 1U);
}

TEST(DetectionPlot, EscapesHostileText) {
  DetectionPlot plot("<script>alert(1)</script>&\x1b\xff.wav", {{"\"><img onerror='x'>", 0.5}});
  plot.add_detection(0, 1, 0.9);
  const std::string svg = plot.svg();
  EXPECT_THAT(svg, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;&amp;\\x1b\\xff.wav</text>"));
  EXPECT_THAT(svg, HasSubstr("&quot;&gt;&lt;img onerror=&#39;x&#39;&gt; (threshold 0.5)</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, Not(HasSubstr("<img")));
}

TEST(DetectionPlot, CutsLongNamesAtTheMargin) {
  const std::string svg =
      DetectionPlot(std::string(300, 'x') + ".wav", {{std::string(300, 'y'), 0.5}}).svg();
  EXPECT_THAT(svg, HasSubstr("class=\"title\">" + std::string(72, 'x') + "...</text>"));
  EXPECT_THAT(svg, HasSubstr(">" + std::string(60, 'y') + "... (threshold 0.5)</text>"));
  EXPECT_THAT(svg, HasSubstr("<title>" + std::string(300, 'x') + ".wav: "));  // whole for readers
}

TEST(DetectionPlot, TellsSeriesApartWithAndWithoutColours) {
  DetectionPlot plot = ten_seconds({{"jarvis", 0.5}, {"alexa", 0.5}, {"computer", 0.7}});
  for (std::size_t s = 0; s < 3; ++s) {
    plot.add_score(s, 1, 0.5);
    plot.add_detection(s, 2.0 + 2.0 * static_cast<double>(s), 0.5);
  }
  const std::string svg = plot.svg();
  EXPECT_THAT(svg, HasSubstr("class=\"score s0\" d=\""));
  EXPECT_THAT(svg, HasSubstr("class=\"score s1\" stroke-dasharray=\"9 3\" d=\""));
  EXPECT_THAT(svg, HasSubstr("class=\"score s2\" stroke-dasharray=\"2.5 2.5\" d=\""));
  EXPECT_EQ(count_of(svg, "m-5 0a5 5"), 2U);  // a circle in the legend, one in the plot
  EXPECT_EQ(count_of(svg, "l6 10.5h-12z"), 2U);
  EXPECT_EQ(count_of(svg, "h9.2v9.2h-9.2z"), 2U);
}

TEST(DetectionPlot, SharesTheLineOfASharedThreshold) {
  const std::string svg = ten_seconds({{"a", 0.5}, {"b", 0.5}, {"c", 0.7}}).svg();
  EXPECT_THAT(svg, HasSubstr("\"threshold s0\" stroke-dasharray=\"6 14\" stroke-dashoffset=\"0\""));
  EXPECT_THAT(svg,
              HasSubstr("\"threshold s1\" stroke-dasharray=\"6 14\" stroke-dashoffset=\"-10\""));
  EXPECT_THAT(svg, HasSubstr("\"threshold s2\" stroke-dasharray=\"6 4\" stroke-dashoffset=\"0\""));
}

TEST(DetectionPlot, HasRulesForLightAndDarkPages) {
  const std::string svg = ten_seconds().svg();
  const auto dark = svg.find("@media (prefers-color-scheme: dark)");
  ASSERT_NE(dark, std::string::npos);
  EXPECT_THAT(svg.substr(0, dark), HasSubstr(".wb-plot .s0 { stroke: #0072b2; }"));
  EXPECT_THAT(svg.substr(dark), HasSubstr(".wb-plot .s0 { stroke: #56b4e9; }"));
}

TEST(DetectionPlot, StacksTimesThatWouldTouch) {
  DetectionPlot plot = ten_seconds();
  for (const double time_s : {5.0, 5.1, 5.2, 5.3, 9.0}) plot.add_detection(0, time_s, 0.9);
  const std::string svg = plot.svg();
  EXPECT_EQ(count_of(svg, "class=\"time f0\""), 4U);  // three rows, and one apart
  EXPECT_THAT(svg, Not(HasSubstr(">5.30 s</text>")));
  EXPECT_THAT(svg, HasSubstr("<title>jarvis at 5.30 s, score 0.90</title>"));
}

TEST(DetectionPlot, StaysSmallForHoursOfSound) {
  DetectionPlot plot("night.wav", {{"jarvis", 0.5}});
  const std::vector<float> minute(60 * 16'000, 0.1F);
  for (int i = 0; i < 120; ++i) plot.add_sound(minute);
  for (int i = 0; i < 7200 * 10; ++i) {
    plot.add_score(0, i * 0.1, (i % 100) / 100.0);
    if (i % 20 == 0) plot.add_detection(0, i * 0.1, 0.9);
  }
  const std::string svg = plot.svg();
  EXPECT_LT(svg.size(), 500'000U);
  EXPECT_THAT(svg,
              HasSubstr(">2:00:00, 3600 detections, of which the first 1000 are drawn</text>"));
  EXPECT_EQ(count_of(svg, "class=\"moment s0\""), 1000U);
  EXPECT_THAT(svg, HasSubstr(">time (h:min:s)</text>"));
}

TEST(DetectionPlot, LeavesOutWhatIsNoNumber) {
  DetectionPlot plot = ten_seconds({{"jarvis", std::nan("")}});
  plot.add_score(0, std::nan(""), 0.5);
  plot.add_score(0, 1, std::nan(""));
  plot.add_score(0, kInfinity, 0.5);
  plot.add_detection(0, 1, kInfinity);
  const std::string svg = plot.svg();
  EXPECT_THAT(svg, HasSubstr(">10.00 s, no detections</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("class=\"threshold")));
  EXPECT_EQ(count_of(svg, "nan"), 1U);  // in the legend
}

TEST(DetectionPlot, DrawsScoresOutsideTheScaleAtItsBorder) {
  DetectionPlot plot = ten_seconds();
  plot.add_score(0, 0, -3);
  plot.add_score(0, 10, 7);
  EXPECT_THAT(plot.svg(), HasSubstr("class=\"score s0\" d=\"M64 312L928 92\""));
}

TEST(DetectionPlot, IsAnEmptyPictureOfNothing) {
  const std::string svg = DetectionPlot("empty.wav", {}).svg();
  EXPECT_THAT(svg, HasSubstr(">0.00 s, no detections</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(DetectionPlot, KnowsItsSeries) {
  DetectionPlot plot = ten_seconds();
  EXPECT_THROW(plot.add_score(1, 0, 0), std::logic_error);
  EXPECT_THROW(plot.add_detection(1, 0, 0), std::logic_error);
}

TEST(DetectionPlot, IsTheSameForTheSameData) {
  EXPECT_EQ(ten_seconds().svg(), ten_seconds().svg());
}

}  // namespace
}  // namespace wakebuilder::pipeline
