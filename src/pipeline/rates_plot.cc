#include "wakebuilder/pipeline/rates_plot.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "wakebuilder/core/svg.h"
#include "wakebuilder/core/text.h"

#include "pipeline/plot_style.h"

namespace wakebuilder::pipeline {
namespace {

using core::px;

constexpr double kWidth = 720;
constexpr double kLeft = 72;
constexpr double kRight = kWidth - 32;
constexpr double kHeight = 380;
constexpr double kLeastRate = 0.1;
constexpr double kMostRate = 100;
constexpr double kLeastMiss = 0.001;

/// 0 to 1: where a value is on a logarithmic axis.
double place(double value, double least, double most) {
  return std::log(std::clamp(value, least, most) / least) / std::log(most / least);
}

class RatesDrawing {
 public:
  explicit RatesDrawing(const EvaluateReport& report)
      : report_(report),
        top_(kSubtitleY + 22 + static_cast<double>(report.models.size()) * kLegendLine) {}

  std::string draw() {
    draw_head();
    draw_axes();
    for (std::size_t s = 0; s < report_.models.size(); ++s) draw_key(s);
    for (std::size_t s = 0; s < report_.models.size(); ++s) draw_curve(s);
    for (std::size_t s = 0; s < report_.models.size(); ++s) draw_targets(s);
    return std::move(out_) + "</svg>\n";
  }

 private:
  static double x_of(double rate) {
    return kLeft + (kRight - kLeft) * place(rate, kLeastRate, kMostRate);
  }
  double y_of(double miss) const { return top_ + kHeight * (1 - place(miss, kLeastMiss, 1)); }

  std::string summary() const {
    std::string text = std::to_string(report_.positives) + " positives, " +
                       core::to_text(std::round(report_.negative_hours * 100) / 100) +
                       " h of negatives";
    if (report_.snr_db) text += ", noise at " + core::to_text(*report_.snr_db) + " dB";
    return text;
  }

  void draw_head() {
    const std::string height = px(top_ + kHeight + kFootHeight);
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + px(kWidth) + "\" height=\"" +
           height + "\" viewBox=\"0 0 " + px(kWidth) + " " + height +
           "\" role=\"img\" class=\"wb-plot\">\n<title>Misses over false accepts: " +
           core::xml(summary()) + "</title>\n" + style_of(report_.models.size()) +
           "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";
    out_ += svg_text(kLeft, kTitleY, "title", "", "Misses over false accepts");
    out_ += svg_text(kLeft, kSubtitleY, "quiet key", "", summary());
  }

  void draw_axes() {
    const double bottom = top_ + kHeight;
    for (const double rate : {0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0}) {
      out_ += svg_line(x_of(rate), top_, x_of(rate), bottom, "grid");
      out_ += svg_text(x_of(rate), bottom + 18, "", "middle", core::to_text(rate));
    }
    for (const double miss : {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0}) {
      out_ += svg_line(kLeft, y_of(miss), kRight, y_of(miss), "grid");
      out_ += svg_text(kLeft - 8, y_of(miss) + 4, "", "end",
                       core::to_text(std::round(miss * 1000) / 10) + " %");
    }
    out_ += svg_line(kLeft, top_, kLeft, bottom, "axis") +
            svg_line(kLeft, bottom, kRight, bottom, "axis");
    out_ +=
        svg_text((kLeft + kRight) / 2, bottom + 38, "quiet", "middle", "false accepts per hour");
    const std::string y = px(top_ + kHeight / 2);
    out_ += "<text class=\"quiet\" text-anchor=\"middle\" x=\"18\" y=\"" + y +
            "\" transform=\"rotate(-90 18 " + y + ")\">missed</text>\n";
  }

  void draw_key(std::size_t series) {
    const double y = kSubtitleY + 20 + static_cast<double>(series) * kLegendLine;
    out_ +=
        svg_line(kLeft, y, kLeft + 28, y, "score " + stroke_class(series), series_dashes(series));
    draw_marker(series, kLeft + 14, y);
    out_ += svg_text(kLeft + 36, y + 4, "key", "",
                     fitting(safe(report_.models[series].model, 200), 12.4, kRight - kLeft - 36));
  }

  /// Steps: each rate has the misses of the last one that the negatives can tell from it.
  void draw_curve(std::size_t series) {
    std::string path;
    for (const OperatingPoint& point : report_.models[series].curve) {
      const std::string y = px(y_of(point.miss_rate));
      const std::string x = px(x_of(point.wanted_per_hour));
      path += path.empty() ? "M" + x + " " + y : "H" + x + "V" + y;
    }
    out_ += "<path class=\"score " + stroke_class(series) + "\"" + series_dashes(series) + " d=\"" +
            path + "\"/>\n";
  }

  void draw_targets(std::size_t series) {
    for (const OperatingPoint& point : report_.models[series].points)
      draw_marker(series, x_of(point.wanted_per_hour), y_of(point.miss_rate));
  }

  void draw_marker(std::size_t series, double x, double y) {
    out_ += "<path class=\"marker " + fill_class(series) + "\" d=\"M" + px(x) + " " + px(y) +
            std::string(marker_shape(series)) + "\"/>\n";
  }

  const EvaluateReport& report_;
  double top_;
  std::string out_;
};

}  // namespace

std::string draw_rates(const EvaluateReport& report) { return RatesDrawing(report).draw(); }

}  // namespace wakebuilder::pipeline
