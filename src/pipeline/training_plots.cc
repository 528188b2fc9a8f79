#include "pipeline/training_plots.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include "wakebuilder/core/svg.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/pipeline/training_files.h"

#include "pipeline/plot_style.h"
#include "pipeline/readable.h"

namespace wakebuilder::pipeline {
namespace {

using core::px;

constexpr double kWidth = 440;
constexpr double kLeft = 62;
constexpr double kRight = kWidth - 14;
constexpr double kTop = 36;  ///< below the key
constexpr double kPanel = 210;
constexpr double kFoot = 46;
constexpr double kFontSize = 13;  ///< as the page sets it

/// A number along an axis.
struct Mark {
  double value = 0;
  std::string label;
};

struct Axis {
  double least = 0;
  double most = 1;
  bool is_logarithmic = false;
  std::vector<Mark> marks{};

  /// 0 to 1; what is outside is at the border, what is no number at the least.
  double place(double value) const {
    const double inside = std::isnan(value) ? least : std::clamp(value, least, most);
    if (is_logarithmic) return std::log(inside / least) / std::log(most / least);
    return (inside - least) / (most - least);
  }
};

/// From 0 to a round number that is not below `most`, in four to eight steps.
Axis linear_axis(double most) {
  if (!(most > 0 && std::isfinite(most))) most = 1;
  const double decade = std::pow(10, std::floor(std::log10(most)));
  double step = decade;
  for (const double part : {0.2, 0.5})
    if (most / (decade * part) <= 8) {
      step = decade * part;
      break;
    }
  Axis axis;
  axis.most = std::ceil(most / step - 1e-9) * step;
  const auto steps = static_cast<int>(std::lround(axis.most / step));
  for (int i = 0; i <= steps; ++i) axis.marks.push_back({i * step, rounded(i * step, 6)});
  return axis;
}

Axis logarithmic_axis(std::initializer_list<double> values,
                      const std::function<std::string(double)>& label) {
  Axis axis{.least = *values.begin(), .most = *(values.end() - 1), .is_logarithmic = true};
  for (const double value : values) axis.marks.push_back({value, label(value)});
  return axis;
}

Axis share_axis() {
  Axis axis;
  for (const double share : {0.0, 0.2, 0.4, 0.6, 0.8, 1.0})
    axis.marks.push_back({share, percent(share)});
  return axis;
}

// ---- a panel ----

struct Panel {
  double top = kTop;
  double height = kPanel;
  Axis across{}, up{};

  double bottom() const { return top + height; }
  double x(double value) const { return kLeft + (kRight - kLeft) * across.place(value); }
  double y(double value) const { return top + height * (1 - up.place(value)); }
};

enum class Labels { kShown, kHidden };

std::string grid_of(const Panel& panel, Labels across) {
  std::string out;
  for (const Mark& mark : panel.across.marks) {
    const double x = panel.x(mark.value);
    out += svg_line(x, panel.top, x, panel.bottom(), "grid");
    if (across == Labels::kShown) out += svg_text(x, panel.bottom() + 18, "", "middle", mark.label);
  }
  for (const Mark& mark : panel.up.marks) {
    const double y = panel.y(mark.value);
    out += svg_line(kLeft, y, kRight, y, "grid");
    out += svg_text(kLeft - 7, y + 4, "", "end", mark.label);
  }
  return out + svg_line(kLeft, panel.top, kLeft, panel.bottom(), "axis") +
         svg_line(kLeft, panel.bottom(), kRight, panel.bottom(), "axis");
}

std::string name_below(const Panel& panel, std::string_view name) {
  return svg_text((kLeft + kRight) / 2, panel.bottom() + 38, "quiet", "middle", name);
}

std::string name_beside(const Panel& panel, std::string_view name) {
  const std::string y = px(panel.top + panel.height / 2);
  return "<text class=\"quiet\" text-anchor=\"middle\" x=\"13\" y=\"" + y +
         "\" transform=\"rotate(-90 13 " + y + ")\">" + core::xml(name) + "</text>\n";
}

std::string marker_at(double x, double y, std::size_t series) {
  return "<path class=\"marker " + fill_class(series) + "\" d=\"M" + px(x) + " " + px(y) +
         std::string(marker_shape(series)) + "\"/>\n";
}

std::string path_of(const std::string& data, std::size_t series) {
  return "<path class=\"score " + stroke_class(series) + "\"" + series_dashes(series) + " d=\"" +
         data + "\"/>\n";
}

/// The names of the curves, in one line above the panel.
std::string key_of(std::span<const std::string_view> names) {
  std::string out;
  double x = kLeft;
  for (std::size_t series = 0; series < names.size(); ++series) {
    out += path_of("M" + px(x) + " 18H" + px(x + 26), series) + marker_at(x + 13, 18, series);
    out += svg_text(x + 32, 22, "", "", names[series]);
    x += 48 + core::text_width(names[series], kFontSize);
  }
  return out;
}

std::string svg_of(double height, const std::string& label, const std::string& content) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + px(kWidth) + " " +
         px(height) + "\" role=\"img\" aria-label=\"" + core::xml(label) +
         "\" class=\"wb-plot\">\n" + content + "</svg>\n";
}

// ---- over steps ----

using Number = std::function<double(const HistoryPoint&)>;

/// What is no number interrupts the curve; its last point has a marker.
std::string curve_of(const Panel& panel, const std::vector<HistoryPoint>& history,
                     const Number& number, std::size_t series) {
  std::string path, marker;
  bool is_begun = false;
  for (const HistoryPoint& point : history) {
    const bool is_number = std::isfinite(number(point));
    if (is_number) {
      const double x = panel.x(static_cast<double>(point.step));
      const double y = panel.y(number(point));
      path += (is_begun ? "L" : "M") + px(x) + " " + px(y);
      marker = marker_at(x, y, series);
    }
    is_begun = is_number;
  }
  return path.empty() ? "" : path_of(path, series) + marker;
}

double most_of(const std::vector<HistoryPoint>& history, std::initializer_list<Number> numbers) {
  double most = 0;
  for (const HistoryPoint& point : history)
    for (const Number& number : numbers)
      if (std::isfinite(number(point))) most = std::max(most, number(point));
  return most;
}

/// Of F1 = 2 p r / (p + r); NaN where nothing is heard.
double precision_of(const HistoryPoint& point) {
  const double recall = point.validation_recall;
  const double f1 = point.validation_f1;
  return f1 > 0 ? f1 * recall / (2 * recall - f1) : std::nan("");
}

Axis axis_of_steps(const std::vector<HistoryPoint>& history) {
  std::int64_t last = 1;
  for (const HistoryPoint& point : history) last = std::max(last, point.step);
  return linear_axis(static_cast<double>(last));
}

std::string over_steps(const std::vector<HistoryPoint>& history, Axis up, const std::string& label,
                       std::string_view beside,
                       std::initializer_list<std::pair<std::string_view, Number>> curves) {
  const Panel panel{.across = axis_of_steps(history), .up = std::move(up)};
  std::string out =
      grid_of(panel, Labels::kShown) + name_below(panel, "steps") + name_beside(panel, beside);
  std::vector<std::string_view> names;
  for (const auto& [name, number] : curves) {
    out += curve_of(panel, history, number, names.size());
    names.push_back(name);
  }
  return svg_of(panel.bottom() + kFoot, label, key_of(names) + out);
}

// ---- misses over false accepts ----

constexpr double kLeastRate = 0.1;
constexpr double kLeastMiss = 0.001;

Panel panel_of_rates() {
  return {.across = logarithmic_axis({kLeastRate, 0.3, 1, 3, 10, 30, 100}, core::to_text),
          .up = logarithmic_axis({kLeastMiss, 0.003, 0.01, 0.03, 0.1, 0.3, 1}, percent)};
}

bool is_known(const ThresholdPoint& point) {
  return std::isfinite(point.false_accepts_per_hour) && std::isfinite(point.frr);
}

/// Steps, from the highest threshold down: a rate has the misses of the last one that the stream
/// can tell from it.
std::string tradeoff_path(const Panel& panel, std::vector<ThresholdPoint> points) {
  std::ranges::stable_sort(points, std::greater(), &ThresholdPoint::threshold);
  std::string path;
  for (const ThresholdPoint& point : points) {
    if (!is_known(point)) continue;
    const std::string x = px(panel.x(point.false_accepts_per_hour));
    const std::string y = px(panel.y(point.frr));
    path += path.empty() ? "M" + x + " " + y : "H" + x + "V" + y;
  }
  return path;
}

std::string untold_rates(const Panel& panel, double hours) {
  if (!(hours > 0) || 1 / hours <= kLeastRate) return "";
  return "<rect class=\"untold\" x=\"" + px(kLeft) + "\" y=\"" + px(panel.top) + "\" width=\"" +
         px(panel.x(1 / hours) - kLeft) + "\" height=\"" + px(panel.height) + "\"/>\n";
}

/// A dashed line through panels, and what it is: on the side where there is more room.
std::string named_line(double x, double top, double bottom, const std::string& name) {
  const bool is_right = x > (kLeft + kRight) / 2;
  return svg_line(x, top - 10, x, bottom, "limit", dashes("4 3")) +
         svg_text(is_right ? x - 5 : x + 5, top - 5, "", is_right ? "end" : "", name);
}

// ---- scores ----

constexpr std::size_t kBins = 40;
constexpr double kHistogram = 92;  ///< height of one
constexpr double kHistogramGap = 30;

using Bins = std::array<std::size_t, kBins>;

Bins bins_of(const std::vector<double>& scores) {
  Bins bins{};
  for (const double score : scores) {
    if (!std::isfinite(score)) continue;
    const double place = std::floor(std::clamp(score, 0.0, 1.0) * kBins);
    ++bins.at(std::min(static_cast<std::size_t>(place), kBins - 1));
  }
  return bins;
}

/// Places of counts: logarithmic above, with a place for none.
Axis axis_of_counts(const Bins& bins) {
  const std::size_t most = *std::ranges::max_element(bins);
  Axis axis{
      .least = 1, .most = std::max(2.0, static_cast<double>(most) + 1), .is_logarithmic = true};
  const std::size_t factor = most < 10 ? 2 : 10;
  for (std::size_t number = 1; number <= most; number *= factor)
    axis.marks.push_back({static_cast<double>(number) + 1, std::to_string(number)});
  return axis;
}

std::string bars_of(const Panel& panel, const Bins& bins, std::size_t series) {
  std::string out;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (bins.at(i) == 0) continue;
    const double x = panel.x(static_cast<double>(i) / kBins) + 0.5;
    const double y = panel.y(static_cast<double>(bins.at(i)) + 1);
    out += "<rect class=\"" + fill_class(series) + "\" x=\"" + px(x) + "\" y=\"" + px(y) +
           "\" width=\"" + px((kRight - kLeft) / kBins - 1) + "\" height=\"" +
           px(panel.bottom() - y) + "\"/>\n";
  }
  return out;
}

/// @param top  of the panel; its name stands above
std::string histogram(double top, const Bins& bins, std::string_view name, std::size_t series,
                      Labels labels) {
  Axis scores = linear_axis(1);
  const Panel panel{
      .top = top, .height = kHistogram, .across = std::move(scores), .up = axis_of_counts(bins)};
  return grid_of(panel, labels) + bars_of(panel, bins, series) +
         svg_text(kLeft, top - 7, "strong", "", name) +
         (labels == Labels::kShown ? name_below(panel, "score") : "");
}

}  // namespace

std::string draw_losses(const std::vector<HistoryPoint>& history) {
  if (history.empty()) return "";
  const HistoryPoint& last = history.back();
  const std::string label = "Loss over steps. After step " + std::to_string(last.step) +
                            ": training " + rounded(last.train_loss, 3) + ", validation " +
                            rounded(last.validation_loss, 3) + ".";
  const double most = most_of(history, {&HistoryPoint::train_loss, &HistoryPoint::validation_loss});
  return over_steps(
      history, linear_axis(most), label, "loss",
      {{"training", &HistoryPoint::train_loss}, {"validation", &HistoryPoint::validation_loss}});
}

std::string draw_validation(const std::vector<HistoryPoint>& history) {
  if (history.empty()) return "";
  const HistoryPoint& last = history.back();
  const std::string label = "Validation over steps. After step " + std::to_string(last.step) +
                            ": recall " + percent(last.validation_recall) + ", F1 " +
                            percent(last.validation_f1) + ", precision " +
                            percent(precision_of(last)) + ".";
  return over_steps(history, share_axis(), label, "share of windows",
                    {{"recall", &HistoryPoint::validation_recall},
                     {"precision", precision_of},
                     {"F1", &HistoryPoint::validation_f1}});
}

std::string draw_tradeoff(const TrainingRecord& record) {
  const Panel panel = panel_of_rates();
  const std::string path = tradeoff_path(panel, record.threshold_analysis);
  const ThresholdPoint* chosen = chosen_point(record);
  if (path.empty() || chosen == nullptr) return "";
  const std::string label = "Misses over false accepts per hour. At the threshold " +
                            rounded(record.threshold, 3) + ": misses " + percent(chosen->frr) +
                            ", false accepts per hour " +
                            rounded(chosen->false_accepts_per_hour, 2) + ".";
  std::string out = untold_rates(panel, told_hours(record)) + grid_of(panel, Labels::kShown) +
                    name_below(panel, "false accepts per hour") + name_beside(panel, "missed") +
                    named_line(panel.x(record.wanted_per_hour), panel.top, panel.bottom(),
                               "wanted: " + rounded(record.wanted_per_hour, 3)) +
                    path_of(path, 0);
  if (is_known(*chosen))
    out += marker_at(panel.x(chosen->false_accepts_per_hour), panel.y(chosen->frr), 1);
  return svg_of(panel.bottom() + kFoot, label, out);
}

std::string draw_scores(const TrainingRecord& record) {
  if (record.positive_scores.empty() && record.negative_scores.empty()) return "";
  const double second = kTop + 20 + kHistogram + kHistogramGap;
  const Panel whole{.top = kTop, .height = second + kHistogram - kTop};
  const std::string threshold = rounded(record.threshold, 3);
  const std::string label =
      "How many held-out words, and how many pieces of sound without the "
      "word, have which score. The threshold is " +
      threshold + ".";
  const std::string out =
      histogram(kTop + 20, bins_of(record.positive_scores), "words", 0, Labels::kHidden) +
      histogram(second, bins_of(record.negative_scores), "without the word", 1, Labels::kShown) +
      named_line(whole.x(record.threshold), kTop - 10, whole.bottom(), "threshold " + threshold);
  return svg_of(whole.bottom() + kFoot, label, out);
}

}  // namespace wakebuilder::pipeline
