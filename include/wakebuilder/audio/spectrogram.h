// Features as a picture.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "wakebuilder/core/result.h"

namespace wakebuilder::audio {

inline constexpr std::size_t kMaxPictureFrames = 6000;  ///< a minute

/// A PNG of log-mel energies [frames, 128]: time to the right in seconds, mel bins upwards with
/// their frequencies, colours from dark (quiet) to bright (loud) as the eye sees equal steps. The
/// scale goes from the quietest shown to the loudest; energies more than 12 (52 dB) below the
/// loudest are dark. Normalised or not makes no difference to the picture but for `std`: a step of
/// the values is `scale` steps of the logarithm.
/// Errors: kUnsupported for more than kMaxPictureFrames frames, kIo when libpng fails.
/// @pre features.size() is a multiple of 128 and not 0
Result<std::string> spectrogram_png(std::span<const float> features, double scale = 1.0);

/// The same without axes, one pixel for each number: n wide and 128 high. The scale is always 12
/// below the loudest, and what is not above silence is dark.
/// @param log_mel  [n, 128], natural logarithm, not normalised
/// Errors and @pre: as above.
Result<std::string> spectrogram_tile_png(std::span<const float> log_mel);

}  // namespace wakebuilder::audio
