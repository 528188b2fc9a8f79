#include "pipeline/plot_style.h"

#include <algorithm>
#include <array>

#include "wakebuilder/core/svg.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::pipeline {
namespace {

// After Okabe and Ito, and Tol: they stay apart for the colour-blind. Dark enough, or on dark pages
// light enough, for text.
constexpr std::size_t kColours = 7;
constexpr std::array<std::string_view, kColours> kOnLight = {
    "#0072b2", "#d55e00", "#009e73", "#aa4499", "#8c6d00", "#3a3a3a", "#882255"};
constexpr std::array<std::string_view, kColours> kOnDark = {
    "#56b4e9", "#ff9248", "#34c79c", "#e0a0cb", "#f0d264", "#e0e0e0", "#dd7788"};
// Without colours: curves by their dashes, markers by their shapes. Four and seven have no common
// factor, so 28 series differ.
constexpr std::array<std::string_view, 4> kDashes = {"", "9 3", "2.5 2.5", "10 3 2.5 3"};
constexpr std::array<std::string_view, 4> kMarkers = {
    "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z", "m0 -6l6 10.5h-12z", "m-4.6 -4.6h9.2v9.2h-9.2z",
    "m0 -6.5l6 6.5l-6 6.5l-6 -6.5z"};

constexpr std::string_view kStyle = R"(
.wb-plot text {
  font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-size: 11px; fill: #24292f;
}
.wb-plot .page { fill: #ffffff; }
.wb-plot .title { font-size: 16px; font-weight: 600; }
.wb-plot .quiet { fill: #57606a; }
.wb-plot .key { font-size: 12px; }
.wb-plot .time { font-weight: 600; }
.wb-plot .grid { stroke: #e4e8ec; stroke-width: 1; }
.wb-plot .axis { fill: none; stroke: #57606a; stroke-width: 1; }
.wb-plot .sound { fill: #8b949e; stroke: #8b949e; stroke-width: 0.6; }
.wb-plot .score { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.wb-plot .threshold { stroke-width: 1; stroke-opacity: 0.8; }
.wb-plot .moment { stroke-width: 1; stroke-opacity: 0.55; }
.wb-plot .marker { stroke: #ffffff; stroke-width: 1.2; }
)";

constexpr std::string_view kDarkStyle = R"(.wb-plot text { fill: #d7dde4; }
.wb-plot .page { fill: #0f1419; }
.wb-plot .quiet { fill: #9aa4ae; }
.wb-plot .grid { stroke: #262e37; }
.wb-plot .axis { stroke: #9aa4ae; }
.wb-plot .sound { fill: #6b7682; stroke: #6b7682; }
.wb-plot .marker { stroke: #0f1419; }
)";

/// ".wb-plot .s0 { stroke: ... }" for lines, ".f0" for what is filled.
std::string colour_rules(const std::array<std::string_view, kColours>& colours, std::size_t count) {
  std::string rules;
  for (std::size_t i = 0; i < std::min(count, kColours); ++i) {
    const std::string number = std::to_string(i);
    rules += ".wb-plot .s" + number + " { stroke: " + std::string(colours.at(i)) + "; }\n";
    rules += ".wb-plot .f" + number + " { fill: " + std::string(colours.at(i)) + "; }\n";
  }
  return rules;
}

}  // namespace

std::string style_of(std::size_t series) {
  return "<style>" + std::string(kStyle) + colour_rules(kOnLight, series) +
         "@media (prefers-color-scheme: dark) {\n" + std::string(kDarkStyle) +
         colour_rules(kOnDark, series) + "}\n</style>\n";
}

std::string stroke_class(std::size_t series) { return "s" + std::to_string(series % kColours); }
std::string fill_class(std::size_t series) { return "f" + std::to_string(series % kColours); }

std::string safe(std::string_view text, std::size_t most_bytes) {
  return core::printable(core::shorten(text, most_bytes));
}

/// The text, its end cut until it is no wider than `most` pixels.
std::string fitting(std::string text, double font_size, double most) {
  if (core::text_width(text, font_size) <= most) return text;
  std::string cut = core::shorten(text, text.size() - 1);
  while (core::text_width(cut, font_size) > most) cut = core::shorten(text, cut.size() - 4);
  return cut;
}

std::string dashes(std::string_view pattern) {
  return pattern.empty() ? "" : " stroke-dasharray=\"" + std::string(pattern) + "\"";
}

std::string series_dashes(std::size_t series) {
  return dashes(kDashes.at(series % kDashes.size()));
}

std::string_view marker_shape(std::size_t series) { return kMarkers.at(series % kMarkers.size()); }

std::string svg_text(double x, double y, const std::string& classes, std::string_view anchor,
                     std::string_view content) {
  std::string out = "<text x=\"" + core::px(x) + "\" y=\"" + core::px(y) + "\"";
  if (!classes.empty()) out += " class=\"" + classes + "\"";
  if (!anchor.empty()) out += " text-anchor=\"" + std::string(anchor) + "\"";
  return out + ">" + core::xml(content) + "</text>\n";
}

std::string svg_line(double x1, double y1, double x2, double y2, const std::string& classes,
                     const std::string& more) {
  return "<path class=\"" + classes + "\"" + more + " d=\"M" + core::px(x1) + " " + core::px(y1) +
         "L" + core::px(x2) + " " + core::px(y2) + "\"/>\n";
}

}  // namespace wakebuilder::pipeline
