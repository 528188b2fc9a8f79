// One line on a terminal that shows what is heard.
#pragma once

#include <optional>
#include <ostream>
#include <span>
#include <string>

namespace wakebuilder::cli {

struct MeterModel {
  std::string name;
  double score = 0;        ///< 0 to 1
  double threshold = 0.5;  ///< 0 to 1
};

/// "  1:05  -23 dB ██████▏···  jarvis ██·····│·· 0.21 ": the time, the level from -60 to 0 dBFS, of
/// each model the score with a mark where its threshold is, and "*" behind a score that reaches it.
///
/// At most columns - 1 wide, so that no terminal breaks it: models that do not fit are counted
/// ("+2"), then the level goes. Colours are ANSI's. Names are made harmless, and cut.
std::string meter_line(double time_s, double level_dbfs, std::span<const MeterModel> models,
                       int columns, bool colour);

/// The width of the terminal that is open as this descriptor, 80 where it does not say; nothing
/// when it is no terminal: then no meter is to be shown.
std::optional<int> terminal_columns(int descriptor);

/// Draws the line again and again in its place. The stream must outlive it. Not thread-safe.
class LiveMeter {
 public:
  LiveMeter(std::ostream& err, int columns, bool colour);
  LiveMeter(const LiveMeter&) = delete;
  LiveMeter& operator=(const LiveMeter&) = delete;
  ~LiveMeter();  ///< clear()

  /// After the window has changed its size.
  void set_columns(int columns) { columns_ = columns; }

  /// @param level_dbfs  -infinity for digital silence
  void show(double time_s, double level_dbfs, std::span<const MeterModel> models);

  /// Prints a line that stays, above the meter. Control characters are escaped.
  void detection(const std::string& text);

  /// Removes the meter until the next show(), e.g. before an error is printed.
  void clear();

 private:
  std::ostream& err_;
  int columns_;
  bool colour_;
  std::string line_;  ///< what stands there; "" when nothing does
};

}  // namespace wakebuilder::cli
