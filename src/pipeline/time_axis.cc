#include "pipeline/time_axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace wakebuilder::pipeline {
namespace {

constexpr double kMinute = 60;
constexpr double kHour = 3600;
constexpr double kDay = 24 * kHour;
constexpr double kMostSteps = 10;

template <class... Numbers>
std::string formatted(const char* format, Numbers... numbers) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, numbers...);
  return text.data();
}

/// The smallest round step of which at most kMostSteps fit.
double step_of(double duration_s) {
  constexpr std::array kSteps = {0.001, 0.002,     0.005,     0.01,      0.02,  0.05,  0.1,
                                 0.2,   0.5,       1.0,       2.0,       5.0,   10.0,  15.0,
                                 30.0,  60.0,      120.0,     300.0,     600.0, 900.0, 1800.0,
                                 kHour, 2 * kHour, 6 * kHour, 12 * kHour};
  const auto* const step = std::ranges::find_if(
      kSteps, [&](double candidate) { return duration_s / candidate <= kMostSteps; });
  if (step != kSteps.end()) return *step;
  return kDay * std::ceil(duration_s / kMostSteps / kDay);
}

std::string clock_text(long long seconds, double duration_s) {
  if (duration_s < kHour) return formatted("%lld:%02lld", seconds / 60, seconds % 60);
  return formatted("%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string tick_text(double time_s, double step_s, double duration_s) {
  if (duration_s >= kMinute) return clock_text(std::llround(time_s), duration_s);
  const double decimals = std::max(0.0, std::ceil(-std::log10(step_s)));
  return formatted("%.*f", static_cast<int>(decimals), time_s);
}

}  // namespace

std::vector<Tick> time_ticks(double duration_s) {
  const double step = step_of(duration_s);
  std::vector<Tick> ticks;
  const auto steps = static_cast<int>(std::floor(duration_s / step + 1e-9));
  for (int i = 0; i <= steps; ++i)
    ticks.push_back({i * step, tick_text(i * step, step, duration_s)});
  return ticks;
}

std::string time_unit(double duration_s) {
  if (duration_s < kMinute) return "s";
  return duration_s < kHour ? "min:s" : "h:min:s";
}

std::string moment_text(double time_s, double duration_s) {
  if (duration_s < kMinute) return formatted("%.2f s", time_s);
  if (duration_s >= kHour) return clock_text(std::llround(time_s), duration_s);
  const long long tenths = std::llround(time_s * 10);
  return clock_text(tenths / 10, duration_s) + formatted(".%lld", tenths % 10);
}

}  // namespace wakebuilder::pipeline
