#include "wakebuilder/pipeline/detection_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/svg.h"
#include "wakebuilder/core/text.h"

#include "pipeline/plot_style.h"
#include "pipeline/time_axis.h"

namespace wakebuilder::pipeline {
namespace {

using core::px;
using core::text_width;
using core::xml;

constexpr double kSampleRateHz = 16000;
constexpr double kWidth = 960;
constexpr double kLeft = 64;
constexpr double kRight = kWidth - 32;
constexpr double kLabelLine = 15;
constexpr double kLabelSize = 11;
constexpr std::size_t kMostLabelRows = 3;
constexpr double kScoreHeight = 220;
constexpr double kSoundHeight = 100;
constexpr double kPanelGap = 18;

/// Two decimals: a score.
std::string score_text(double score) {
  const std::string text = std::to_string(score + 0.005);
  return text.substr(0, text.find('.') + 3);
}

/// The least of 1, 0.5, 0.2, 0.1, ... that holds the loudest sample; 1 for silence.
double amplitude_limit(std::span<const Extremes> columns) {
  float peak = 0;
  for (const auto& [low, high] : columns) peak = std::max({peak, -low, high});
  double limit = 1;
  for (const double next : {0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001})
    if (peak > 0 && next >= double{peak}) limit = next;
  return limit;
}

/// With a minus sign instead of a hyphen.
std::string amplitude_text(double amplitude) {
  return amplitude < 0 ? "\u2212" + core::to_text(-amplitude) : core::to_text(amplitude);
}

/// What is drawn.
struct Plot {
  const std::string& title;
  const std::vector<PlotSeries>& series;
  const SoundEnvelope& sound;
  const std::vector<ScoreTrace>& scores;
  const std::vector<DetectionPlot::Detection>& detections;
  std::uint64_t all_detections = 0;
  double length_s = 0;    ///< of what was heard
  double duration_s = 1;  ///< of the axis: not 0
};

/// The time at a detection, where it is written.
struct Label {
  double x = 0;  ///< of its middle
  double half_width = 0;
  std::string text;
  std::size_t row = kMostLabelRows;  ///< from the panel upwards; kMostLabelRows: none was free
};

class Drawing {
 public:
  explicit Drawing(const Plot& plot) : plot_(plot) {
    place_legend();
    place_labels();
    score_top_ = kSubtitleY + 12 + legend_rows_ * kLegendLine +
                 static_cast<double>(label_rows_) * kLabelLine + 10;
    sound_top_ = score_top_ + kScoreHeight + kPanelGap;
    bottom_ = sound_top_ + kSoundHeight;
  }

  std::string draw() {
    draw_head();
    draw_legend();
    draw_axes();
    draw_sound();
    for (std::size_t s = 0; s < plot_.series.size(); ++s) draw_threshold(s);
    for (std::size_t d = 0; d < plot_.detections.size(); ++d) draw_moment(d);
    for (std::size_t s = 0; s < plot_.series.size(); ++s) draw_score(s);
    for (const auto& detection : plot_.detections) draw_marker(detection);
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  double x_of(double time_s) const {
    return kLeft + (kRight - kLeft) * std::min(1.0, time_s / plot_.duration_s);
  }
  double y_of(double score) const { return score_top_ + kScoreHeight * (1 - score); }

  void text(double x, double y, const std::string& classes, std::string_view anchor,
            std::string_view content) {
    out_ += svg_text(x, y, classes, anchor, content);
  }

  void line(double x1, double y1, double x2, double y2, const std::string& classes,
            const std::string& more = {}) {
    out_ += svg_line(x1, y1, x2, y2, classes, more);
  }

  // --- head ---

  void draw_head() {
    const std::string height = px(bottom_ + kFootHeight);
    const std::string title = safe(plot_.title, 400);
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + px(kWidth) + "\" height=\"" +
           height + "\" viewBox=\"0 0 " + px(kWidth) + " " + height +
           "\" role=\"img\" class=\"wb-plot\">\n<title>" + xml(title + ": " + summary()) +
           "</title>\n" + style_of(plot_.series.size()) +
           "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";
    text(kLeft, kTitleY, "title", "", fitting(title, 20, kRight - kLeft));
    text(kLeft, kSubtitleY, "quiet key", "", summary());
  }

  std::string summary() const {
    const std::uint64_t count = plot_.all_detections;
    std::string words = moment_text(plot_.length_s, plot_.length_s) + ", " +
                        (count == 0 ? "no" : std::to_string(count)) +
                        (count == 1 ? " detection" : " detections");
    if (count > plot_.detections.size())
      words += ", of which the first " + std::to_string(plot_.detections.size()) + " are drawn";
    return words;
  }

  // --- legend ---

  static std::string legend_text(const PlotSeries& series) {
    return safe(series.name, 60) + " (threshold " + core::to_text(series.threshold) + ")";
  }

  void place_legend() {
    constexpr double kKeyWidth = 36;
    constexpr double kGap = 22;
    double x = kLeft;
    for (const PlotSeries& series : plot_.series) {
      const double width = kKeyWidth + text_width(legend_text(series), 12.4);
      if (x > kLeft && x + width > kRight) {
        x = kLeft;
        ++legend_rows_;
      }
      legend_.push_back({x, kSubtitleY + 6 + legend_rows_ * kLegendLine + 14});
      x += width + kGap;
    }
    if (!plot_.series.empty()) ++legend_rows_;
  }

  void draw_legend() {
    for (std::size_t s = 0; s < legend_.size(); ++s) {
      const auto [x, y] = legend_[s];
      line(x, y, x + 28, y, "score " + stroke_class(s), series_dashes(s));
      draw_shape(s, x + 14, y);
      text(x + 36, y + 4, "key", "", legend_text(plot_.series[s]));
    }
  }

  // --- axes ---

  void draw_axes() {
    draw_score_grid();
    const std::vector<Tick> ticks = time_ticks(plot_.duration_s);
    for (const Tick& tick : ticks) {
      line(x_of(tick.time_s), score_top_, x_of(tick.time_s), score_top_ + kScoreHeight, "grid");
      line(x_of(tick.time_s), sound_top_, x_of(tick.time_s), bottom_, "grid");
    }
    draw_frame(score_top_, kScoreHeight, "score");
    draw_frame(sound_top_, kSoundHeight, "sound");
    for (const Tick& tick : ticks) draw_time_tick(tick);
    text((kLeft + kRight) / 2, bottom_ + 38, "quiet", "middle",
         "time (" + time_unit(plot_.duration_s) + ")");
  }

  void draw_score_grid() {
    for (const std::string_view tick : {"0", "0.2", "0.4", "0.6", "0.8", "1"}) {
      const double y = y_of(static_cast<double>(tick.back() - '0') / (tick.size() > 1 ? 10 : 1));
      line(kLeft, y, kRight, y, "grid");
      draw_tick(y, tick);
    }
  }

  /// A tick of an axis at the left.
  void draw_tick(double y, std::string_view label) {
    line(kLeft - 4, y, kLeft, y, "axis");
    text(kLeft - 8, y + 4, "", "end", label);
  }

  void draw_time_tick(const Tick& tick) {
    const double x = x_of(tick.time_s);
    line(x, bottom_, x, bottom_ + 4, "axis");
    text(x, bottom_ + 18, "", "middle", tick.label);
  }

  /// The left and the lower border of a panel, and what it shows.
  void draw_frame(double top, double height, std::string_view name) {
    out_ += "<path class=\"axis\" d=\"M" + px(kLeft) + " " + px(top) + "v" + px(height) + "h" +
            px(kRight - kLeft) + "\"/>\n";
    const std::string y = px(top + height / 2);
    out_ += "<text class=\"quiet\" text-anchor=\"middle\" x=\"18\" y=\"" + y +
            "\" transform=\"rotate(-90 18 " + y + ")\">" + std::string(name) + "</text>\n";
  }

  // --- curves ---

  /// Upper border from left to right, lower border back.
  void draw_sound() {
    const std::span<const Extremes> columns = plot_.sound.columns();
    const double limit = amplitude_limit(columns);
    const double middle = sound_top_ + kSoundHeight / 2;
    for (const double amplitude : {-limit, 0.0, limit})
      draw_tick(middle - amplitude / limit * kSoundHeight / 2, amplitude_text(amplitude));
    if (columns.empty()) return;
    const double scale = kSoundHeight / 2 / limit;
    std::string path;
    const auto add = [&](std::size_t i, float sample) {
      path +=
          (path.empty() ? "M" : "L") + px(column_x(i)) + " " + px(middle - double{sample} * scale);
    };
    for (std::size_t i = 0; i < columns.size(); ++i) add(i, columns[i].high);
    for (std::size_t i = columns.size(); i-- > 0;) add(i, columns[i].low);
    out_ += "<path class=\"sound\" d=\"" + path + "Z\"/>\n";
  }

  /// The middle of a column.
  double column_x(std::size_t column) const {
    const auto per_column = static_cast<double>(plot_.sound.samples_per_column());
    return x_of((static_cast<double>(column) + 0.5) * per_column / kSampleRateHz);
  }

  void draw_score(std::size_t series) {
    std::string path;
    for (const auto& [time_s, score] : plot_.scores[series].points())
      path += (path.empty() ? "M" : "L") + px(x_of(time_s)) + " " + px(y_of(score));
    if (path.empty()) return;
    out_ += "<path class=\"score " + stroke_class(series) + "\"" + series_dashes(series) + " d=\"" +
            path + "\"/>\n";
  }

  /// Series that share a threshold share its line: a dash of each in turn.
  void draw_threshold(std::size_t series) {
    const double threshold = plot_.series[series].threshold;
    if (!std::isfinite(threshold)) return;
    const auto shares = [&](const PlotSeries& other) { return other.threshold == threshold; };
    const auto& all = plot_.series;
    const auto sharing = std::count_if(all.begin(), all.end(), shares);
    const auto before =
        std::count_if(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(series), shares);
    const double y = y_of(std::clamp(threshold, 0.0, 1.0));
    line(kLeft, y, kRight, y, "threshold " + stroke_class(series),
         dashes("6 " + std::to_string(10 * sharing - 6)) + " stroke-dashoffset=\"" +
             std::to_string(-10 * before) + "\"");
  }

  // --- detections ---

  /// Each label in the lowest row where it touches no other; those that find none are left out.
  void place_labels() {
    for (const auto& detection : plot_.detections) {
      Label label{.x = x_of(detection.point.time_s),
                  .text = moment_text(detection.point.time_s, plot_.duration_s)};
      const double half = text_width(label.text, kLabelSize) / 2 + 5;
      label.half_width = half;
      label.x = std::clamp(label.x, kLeft + half, kRight - half);
      label.row = free_row(label);
      label_rows_ = std::max(label_rows_, label.row < kMostLabelRows ? label.row + 1 : 0);
      labels_.push_back(std::move(label));
    }
  }

  std::size_t free_row(const Label& label) const {
    std::size_t row = 0;
    while (row < kMostLabelRows && !is_free(row, label.x, label.half_width)) ++row;
    return row;
  }

  bool is_free(std::size_t row, double x, double half_width) const {
    return std::none_of(labels_.begin(), labels_.end(), [&](const Label& other) {
      return other.row == row && std::abs(other.x - x) < other.half_width + half_width;
    });
  }

  /// A line through both panels, from the time above; not across another time.
  void draw_moment(std::size_t index) {
    const auto& [series, point] = plot_.detections[index];
    const Label& label = labels_[index];
    const double x = x_of(point.time_s);
    double top = score_top_;
    if (label.row < kMostLabelRows) {
      const double base = score_top_ - 6 - static_cast<double>(label.row) * kLabelLine;
      text(label.x, base, "time " + fill_class(series), "middle", label.text);
      bool is_clear = true;
      for (std::size_t row = 0; row < label.row; ++row) is_clear = is_clear && is_free(row, x, 0);
      if (is_clear) top = base + 2;
    }
    line(x, top, x, bottom_, "moment " + stroke_class(series));
  }

  void draw_marker(const DetectionPlot::Detection& detection) {
    const auto& [series, point] = detection;
    out_ +=
        "<g><title>" +
        xml(safe(plot_.series[series].name, 60) + " at " +
            moment_text(point.time_s, plot_.duration_s) + ", score " + score_text(point.score)) +
        "</title>\n";
    draw_shape(series, x_of(point.time_s), y_of(point.score));
    out_ += "</g>\n";
  }

  void draw_shape(std::size_t series, double x, double y) {
    out_ += "<path class=\"marker " + fill_class(series) + "\" d=\"M" + px(x) + " " + px(y) +
            std::string(marker_shape(series)) + "\"/>\n";
  }

  struct Place {
    double x = 0;
    double y = 0;
  };

  const Plot& plot_;
  std::vector<Place> legend_;
  double legend_rows_ = 0;
  std::vector<Label> labels_;
  std::size_t label_rows_ = 0;
  double score_top_ = 0;
  double sound_top_ = 0;
  double bottom_ = 0;
  std::string out_;
};

}  // namespace

DetectionPlot::DetectionPlot(std::string title, std::vector<PlotSeries> series)
    : title_(std::move(title)), series_(std::move(series)), scores_(series_.size()) {}

bool DetectionPlot::take(std::size_t series, double time_s, double score) {
  WAKEBUILDER_EXPECT(series < series_.size());
  if (!std::isfinite(time_s) || !std::isfinite(score)) return false;
  last_s_ = std::max(last_s_, time_s);
  return true;
}

void DetectionPlot::add_score(std::size_t series, double time_s, double score) {
  if (!take(series, time_s, score)) return;
  scores_[series].add({std::max(0.0, time_s), std::clamp(score, 0.0, 1.0)});
}

void DetectionPlot::add_detection(std::size_t series, double time_s, double score) {
  if (!take(series, time_s, score) || ++all_detections_ > kMostDetections) return;
  detections_.push_back({series, {std::max(0.0, time_s), std::clamp(score, 0.0, 1.0)}});
}

std::string DetectionPlot::svg() const {
  const double sound_s = static_cast<double>(sound_.samples()) / kSampleRateHz;
  const double length_s = std::max(sound_s, last_s_);
  const Plot plot{.title = title_,
                  .series = series_,
                  .sound = sound_,
                  .scores = scores_,
                  .detections = detections_,
                  .all_detections = all_detections_,
                  .length_s = length_s,
                  .duration_s = length_s > 0 ? length_s : 1};
  return Drawing(plot).draw();
}

}  // namespace wakebuilder::pipeline
