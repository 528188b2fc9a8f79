// Times along an axis, as people write them.
#pragma once

#include <string>
#include <vector>

namespace wakebuilder::pipeline {

struct Tick {
  double time_s = 0;
  std::string label;
};

/// From 0 to at most `duration_s`, at round steps, at most eleven: "0.5" below 10 s, "15" below a
/// minute, "2:30" below an hour, else "1:15:00".
/// @pre 0 < duration_s, finite
std::vector<Tick> time_ticks(double duration_s);

/// The unit of the ticks: "s", "min:s" or "h:min:s".
std::string time_unit(double duration_s);

/// A moment in a recording of this duration: "3.42 s", "1:03.4" or "1:02:03".
std::string moment_text(double time_s, double duration_s);

}  // namespace wakebuilder::pipeline
