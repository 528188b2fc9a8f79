#include "audio/finite.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>

namespace wakebuilder::audio {
namespace {

constexpr std::uint32_t kExponent = 0x7f800000U;  // all ones: infinity or NaN

bool is_bad(float sample) {
  return (std::bit_cast<std::uint32_t>(sample) & kExponent) == kExponent;
}

/// Without a branch per sample.
bool any_bad(std::span<const float> samples) {
  std::uint32_t bad = 0;
  for (const float sample : samples) bad |= is_bad(sample) ? 1U : 0U;
  return bad != 0;
}

}  // namespace

std::optional<std::size_t> first_not_finite(std::span<const float> samples) {
  if (!any_bad(samples)) return std::nullopt;
  return static_cast<std::size_t>(std::ranges::find_if(samples, is_bad) - samples.begin());
}

std::string seconds_text(double seconds) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.3f s", seconds);
  return text.data();
}

std::string not_finite_sentence(float sample, std::uint64_t position, int rate_hz) {
  return "the sample at " + seconds_text(static_cast<double>(position) / rate_hz) + " is " +
         (std::isnan(sample) ? "NaN" : "infinite") + "; expected finite numbers";
}

}  // namespace wakebuilder::audio
