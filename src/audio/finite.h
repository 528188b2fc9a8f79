// Samples that are no numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace wakebuilder::audio {

/// The place of the first NaN or infinity.
std::optional<std::size_t> first_not_finite(std::span<const float> samples);

/// "the sample at 0.031 s is NaN".
std::string not_finite_sentence(float sample, std::uint64_t position, int rate_hz);

/// Seconds with three decimals: "1.250 s".
std::string seconds_text(double seconds);

}  // namespace wakebuilder::audio
