// What engines give, as samples.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"

namespace wakebuilder::speech {

/// A recording in memory as 16 kHz mono, each sample a multiple of 1/32768 in [-1, 1). A WAV that
/// was written to a stream has lengths that are none; they are mended.
/// Errors, which have `name` in front: as audio::AudioReader; kUnsupported for more than two
/// minutes, and for silence.
Result<std::vector<float>> decode(std::string recording, const std::string& name);

/// A WAV, 16 bits, mono.
std::string wav_of(std::span<const std::int16_t> samples, int rate_hz);

}  // namespace wakebuilder::speech
