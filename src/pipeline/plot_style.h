// What all drawings of curves share: colours for light and dark pages, dashes, markers, SVG parts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wakebuilder::pipeline {

// Where the parts stand, in pixels.
inline constexpr double kTitleY = 30;
inline constexpr double kSubtitleY = 50;
inline constexpr double kLegendLine = 20;  ///< from one line of the legend to the next
inline constexpr double kFootHeight = 50;  ///< below the axes

/// A <style> element for so many series, below the class "wb-plot".
std::string style_of(std::size_t series);

/// Classes of a series' lines, and of what is filled.
std::string stroke_class(std::size_t series);
std::string fill_class(std::size_t series);

/// The attribute of a dashed line, or "".
std::string dashes(std::string_view pattern);
std::string series_dashes(std::size_t series);

/// The shape of a series' markers as path data around the current point.
std::string_view marker_shape(std::size_t series);

/// Any bytes as text of at most so many bytes.
std::string safe(std::string_view text, std::size_t most_bytes);

/// The text, its end cut until it is no wider than `most` pixels.
std::string fitting(std::string text, double font_size, double most);

/// Elements; what is said is escaped. `more` are attributes.
std::string svg_text(double x, double y, const std::string& classes, std::string_view anchor,
                     std::string_view content);
std::string svg_line(double x1, double y1, double x2, double y2, const std::string& classes,
                     const std::string& more = {});

}  // namespace wakebuilder::pipeline
