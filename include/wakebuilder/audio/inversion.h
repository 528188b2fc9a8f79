// Log-mel frames back to a sound that has them: to hear what a model hears.
//
//  1. Mel powers to a power spectrum: 257 numbers from 128, none negative, smooth where the filters
//     say nothing. p *= (W^T (m / W p)) / W^T 1 from an even start (Richardson 1972, Lucy 1974:
//     the spectrum whose mel powers are nearest in Kullback and Leibler's sense). It follows quiet
//     bins beside loud ones as well as these, which least squares does not.
//  2. The phases: fast Griffin-Lim (Perraudin, Balazs and Sondergaard 2013, momentum 0.99) in the
//     same frames as the features, on the sound with its pre-emphasis.
//  3. The sound is made as loud as the frames are, and its pre-emphasis undone by the exact
//  inverse,
//     y[i] = x[i] + 0.97 y[i - 1].
//
// The features of the sound are those that were put in within 0.2 dB in the mean (a recorded word,
// all numbers within 40 dB of the loudest); with the pre-emphasis divided out of the spectrum
// instead, within 0.24 dB.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace wakebuilder::audio {

struct InversionOptions {
  int iterations = 60;     ///< of Griffin-Lim, at least 0
  std::uint64_t seed = 0;  ///< of the phases that it begins with
};

/// A sound with these features, and the same one for the same seed: 16 kHz, mono,
/// (n - 1) * 160 + 400 samples. Loud frames give samples beyond +-1. Features do not say all: it
/// sounds like the recording behind a thin wall, its phases are not those of the recording.
/// Thread-safe.
///
/// @param log_mel  [n, 128], n >= 1: natural logarithm, not normalised (FeatureOptions::normalise
///                 false). Frames of audio::kLogMelFloor are silence.
/// @pre  a size as above, finite values below 64, iterations >= 0; else std::logic_error
std::vector<float> invert_log_mel(std::span<const float> log_mel,
                                  const InversionOptions& options = {});

}  // namespace wakebuilder::audio
