#include "wakebuilder/pipeline/rates_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wakebuilder::pipeline {
namespace {

using testing::HasSubstr;
using testing::Not;

EvaluateReport report_of(std::vector<std::string> names) {
  EvaluateReport report;
  report.positives = 3;
  report.negative_hours = 1.5;
  for (std::string& name : names) {
    ModelEvaluation model;
    model.model = std::move(name);
    model.points = {{.wanted_per_hour = 1, .per_hour = 1, .threshold = 0.5, .miss_rate = 0.1}};
    model.curve = {{.wanted_per_hour = 0.1, .per_hour = 0, .threshold = 0.9, .miss_rate = 1},
                   {.wanted_per_hour = 100, .per_hour = 9, .threshold = 0.1, .miss_rate = 0}};
    report.models.push_back(std::move(model));
  }
  return report;
}

TEST(RatesPlot, DrawsStepsFromCornerToCorner) {
  // One line of legend: the panel begins at 92 and is 380 high; nothing missed is at the border.
  EXPECT_THAT(draw_rates(report_of({"jarvis"})), HasSubstr("d=\"M72 92H688V472\""));
}

TEST(RatesPlot, MarksTheWantedRates) {
  // 1 of 0.1 to 100: a third of 616 pixels; 0.1 of 0.001 to 1: a third of 380 from above.
  EXPECT_THAT(draw_rates(report_of({"jarvis"})), HasSubstr("d=\"M277.3 218.7m"));
}

TEST(RatesPlot, TellsModelsApartWithoutColours) {
  const std::string one = draw_rates(report_of({"jarvis"}));
  const std::string two = draw_rates(report_of({"jarvis", "computer"}));
  EXPECT_THAT(one, Not(HasSubstr("stroke-dasharray")));
  EXPECT_THAT(two, HasSubstr("stroke-dasharray"));
  EXPECT_THAT(two, HasSubstr("prefers-color-scheme: dark"));
}

TEST(RatesPlot, EscapesNames) {
  const std::string svg = draw_rates(report_of({"<script>\n"}));
  EXPECT_THAT(svg, Not(HasSubstr("<script>")));
  EXPECT_THAT(svg, HasSubstr("&lt;script&gt;\\n"));
}

TEST(RatesPlot, TellsTheNoise) {
  auto report = report_of({"jarvis"});
  report.snr_db = 10;
  EXPECT_THAT(draw_rates(report), HasSubstr("3 positives, 1.5 h of negatives, noise at 10 dB"));
}

}  // namespace
}  // namespace wakebuilder::pipeline
