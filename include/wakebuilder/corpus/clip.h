// A recording or rendering of one utterance, made ready for the bank.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "wakebuilder/corpus/bank.h"

namespace wakebuilder::corpus {

/// Root mean square of what is said in a trimmed clip; full scale is 1.
inline constexpr double kClipLevel = 0.1;

/// Cuts what is silent at both ends (more than 44 dB below the loudest 10 ms; 30 ms stay) and
/// brings what is said to kClipLevel, cut at full scale. Nothing for a clip of less than 0.1 s and
/// for silence (no sample above 1/1000).
/// @param samples  16 kHz mono, +-1
std::optional<std::vector<float>> trimmed(std::span<const float> samples);

/// The log-mel frames (natural logarithm, not normalised) that are whole: [(n - 400) / 160 + 1,
/// 128], none for fewer than 400 samples.
/// @pre all samples are finite, else std::logic_error
Frames log_mel(std::span<const float> samples);

}  // namespace wakebuilder::corpus
