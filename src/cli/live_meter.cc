#include "cli/live_meter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

#include "wakebuilder/core/text.h"

namespace wakebuilder::cli {
namespace {

constexpr int kCells = 10;
constexpr int kNameWidth = 16;
constexpr double kLowestDbfs = -60;
constexpr std::string_view kGap = "  ";
constexpr std::string_view kEraseToEnd = "\x1b[K";
constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kCyan = "\x1b[36m";
constexpr std::string_view kBoldGreen = "\x1b[1;32m";
constexpr std::string_view kPlain = "\x1b[0m";

/// A piece of the line; width in columns, without what only colours.
struct Piece {
  std::string text;
  int width = 0;
};

template <class... Numbers>
std::string formatted(const char* format, Numbers... numbers) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, numbers...);
  return text.data();
}

std::string coloured(const std::string& text, std::string_view colour, bool use) {
  return use ? std::string(colour) + text + std::string(kPlain) : text;
}

/// kCells columns wide, filled to a share of 0 to 1 in eighths of a column.
std::vector<std::string> bar(double share) {
  constexpr std::array<std::string_view, 9> kEighths = {"·", "▏", "▎", "▍", "▌",
                                                        "▋", "▊", "▉", "█"};
  const auto eighths = static_cast<int>(std::lround(share * kCells * 8));
  std::vector<std::string> cells;
  for (int cell = 0; cell < kCells; ++cell) {
    const int filled = std::clamp(eighths - 8 * cell, 0, 8);
    cells.emplace_back(kEighths.at(static_cast<std::size_t>(filled)));
  }
  return cells;
}

std::string joined(const std::vector<std::string>& cells) {
  std::string text;
  for (const std::string& cell : cells) text += cell;
  return text;
}

double to_share(double value) { return std::isfinite(value) ? std::clamp(value, 0.0, 1.0) : 0.0; }

// ---- names ----

bool continues(char c) { return (static_cast<std::uint8_t>(c) & 0xc0U) == 0x80U; }

/// At most how wide a character is that begins with this byte: from U+1000 on some are wide.
int width_of(char first) { return static_cast<std::uint8_t>(first) >= 0xe1 ? 2 : 1; }

/// The name, or its beginning and "…".
Piece name_piece(const std::string& name) {
  const std::string text = core::printable(core::shorten(name, 200));
  Piece piece;
  std::size_t cut = 0;  // where a name that is too long ends
  int cut_width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (continues(text[i])) continue;
    if (piece.width < kNameWidth) {
      cut = i;
      cut_width = piece.width;
    }
    piece.width += width_of(text[i]);
  }
  if (piece.width <= kNameWidth) return {text, piece.width};
  return {text.substr(0, cut) + "…", cut_width + 1};
}

// ---- pieces ----

Piece time_piece(double time_s) {
  const long long s = std::llround(std::floor(std::max(0.0, time_s)));
  const std::string text = s < 3600
                               ? formatted("%3lld:%02lld", s / 60, s % 60)
                               : formatted("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  return {text, static_cast<int>(text.size())};
}

Piece level_piece(double level_dbfs, bool colour) {
  const double level = level_dbfs > kLowestDbfs ? std::min(level_dbfs, 0.0) : kLowestDbfs;
  const std::string number = formatted("%3ld dB ", std::lround(level));
  const std::string_view tint = level > -3 ? kRed : level > -12 ? kYellow : kGreen;
  const std::string cells = joined(bar(1 - level / kLowestDbfs));
  return {number + coloured(cells, tint, colour), static_cast<int>(number.size()) + kCells};
}

Piece model_piece(const MeterModel& model, bool colour) {
  const double score = to_share(model.score);
  const double threshold = to_share(model.threshold);
  const bool reached = score >= threshold;
  auto cells = bar(score);
  const auto mark = std::min(static_cast<std::size_t>(threshold * kCells), cells.size() - 1);
  cells[mark] = "│";
  const std::string number = formatted(reached ? " %.2f*" : " %.2f ", score);
  Piece piece = name_piece(model.name);
  piece.text += " " + coloured(joined(cells) + number, reached ? kBoldGreen : kCyan, colour);
  piece.width += 1 + kCells + static_cast<int>(number.size());
  return piece;
}

class Line {
 public:
  explicit Line(int room) : room_(room) {}

  /// False, and nothing, where it does not fit and leave `rest` columns.
  bool add(const Piece& piece, int rest = 0) {
    const int gap = text_.empty() ? 0 : static_cast<int>(kGap.size());
    if (gap + piece.width + rest > room_) return false;
    text_ += (text_.empty() ? "" : std::string(kGap)) + piece.text;
    room_ -= gap + piece.width;
    return true;
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
  int room_;
};

Piece count_piece(std::size_t left_out) {
  const std::string text = "+" + std::to_string(left_out);
  return {text, static_cast<int>(text.size())};
}

void add_models(Line& line, std::span<const MeterModel> models, bool colour) {
  for (std::size_t i = 0; i < models.size(); ++i) {
    const std::size_t behind = models.size() - i - 1;
    const int rest = behind == 0 ? 0 : static_cast<int>(kGap.size()) + count_piece(behind).width;
    if (line.add(model_piece(models[i], colour), rest)) continue;
    line.add(count_piece(models.size() - i));
    return;
  }
}

}  // namespace

std::string meter_line(double time_s, double level_dbfs, std::span<const MeterModel> models,
                       int columns, bool colour) {
  Line line(columns - 1);
  if (line.add(time_piece(time_s)) && line.add(level_piece(level_dbfs, colour)))
    add_models(line, models, colour);
  return std::move(line).text();
}

std::optional<int> terminal_columns(int descriptor) {
  constexpr int kUsual = 80;
  if (::isatty(descriptor) == 0) return std::nullopt;
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

LiveMeter::LiveMeter(std::ostream& err, int columns, bool colour)
    : err_(err), columns_(columns), colour_(colour) {}

LiveMeter::~LiveMeter() { clear(); }

void LiveMeter::show(double time_s, double level_dbfs, std::span<const MeterModel> models) {
  std::string line = meter_line(time_s, level_dbfs, models, columns_, colour_);
  if (line == line_) return;
  line_ = std::move(line);
  err_ << '\r' << line_ << kEraseToEnd << std::flush;
}

void LiveMeter::detection(const std::string& text) {
  err_ << '\r' << core::printable(text) << kEraseToEnd << '\n' << line_ << std::flush;
}

void LiveMeter::clear() {
  if (line_.empty()) return;
  line_.clear();
  err_ << '\r' << kEraseToEnd << std::flush;
}

}  // namespace wakebuilder::cli
