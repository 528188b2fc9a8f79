// Noises that are put under windows, made and not recorded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wakebuilder/corpus/pieces.h"

namespace wakebuilder::corpus {

/// What a noise is like.
enum class NoiseKind {
  kColoured,   ///< steady; its power falls or rises with frequency: f^-2.2 to f^0.8
  kModulated,  ///< the same from f^-2 to f^0.3, with a level that changes slowly
  kHum,        ///< of the mains or an engine, with harmonics, and a little white noise
  kBabble,     ///< 1 to 12 people who talk at once, with short pauses
  kEvents,     ///< clicks, tones and thumps that die away, over quiet pink noise
};

/// Three of seven noises are babble, since nothing confuses a wake word more.
inline std::vector<NoiseKind> usual_noise_kinds() {
  using enum NoiseKind;
  return {kColoured, kModulated, kHum, kBabble, kBabble, kBabble, kEvents};
}

struct NoiseOptions {
  std::size_t count = 56;
  double seconds = 40;  ///< of each, at least 1
  std::uint64_t seed = 0;
  std::size_t threads = 1;
  /// Noise i is of kind i modulo their number. Babble alone: {NoiseKind::kBabble}.
  std::vector<NoiseKind> kinds = usual_noise_kinds();
};

/// Makes noises with a root mean square of kClipLevel, as log-mel frames [n, 128] (log_mel()).
///
/// Each depends on the seed, its number, its kind, the length and the speech alone: not on the
/// threads, nor on how many there are.
///
/// @param speech  what babble is made of: people's or synthetic, 16 kHz mono, all at one level (as
///                trimmed() has them). Each clip is said at 0.85 to 1.2 of its speed, by a higher
///                or lower voice accordingly. Clips of less than 0.1 s are not used; where none is
///                left, the kinds are gone through without babble, and babble alone gives nothing.
/// @pre options.seconds is 1 to 3600, all samples are finite, else std::logic_error
std::vector<Frames> make_noises(std::span<const std::vector<float>> speech,
                                const NoiseOptions& options);

}  // namespace wakebuilder::corpus
