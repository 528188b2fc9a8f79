// What rooms, microphones and other people do to a window, in the log-mel domain.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "wakebuilder/corpus/bank.h"
#include "wakebuilder/corpus/random.h"
#include "wakebuilder/corpus/window.h"

namespace wakebuilder::corpus {

/// How windows are changed (docs/training.md). Shares of the windows, decibels of power.
struct AugmentOptions {
  double tract = 0.16;  ///< warp of the vocal tract: e^(+-tract) on frequencies
  double tract_share = 0.9;
  double wiggle = 0.04;   ///< deviation of a smooth change of that over frequency
  double smoothed = 0.3;  ///< harmonics smoothed over 3, 5 or 7 bins
  double jitter = 0.25;   ///< largest deviation of noise on every number, nepers
  double reverberant = 0.5;
  Range decay_s = {0.1, 0.8};  ///< reverberation time, T60
  Range direct_db = {-3, 14};  ///< direct to reverberant
  double equaliser_db = 4;     ///< deviation of 7 knots over frequency
  double tilt_db = 8;          ///< largest, from one end of the bins to the other
  Range gain_db = {-25, 10};
  double noisy = 0.7;        ///< the others have noise at `faint_db`
  Range noise_db = {0, 30};  ///< level of speech over noise
  Range faint_db = {25, 55};
  double second = 0.5;  ///< a second noise
  Range second_db = {5, 45};
  std::int64_t mask_bins = 13;   ///< most, twice for half of the windows
  std::int64_t mask_frames = 6;  ///< most, twice for three in ten
  double cut = 0.06;             ///< windows that end in digital silence: the recording was shorter
};

/// Changes windows. Thread-safe: all that changes is in the random numbers.
class Augmenter {
 public:
  /// @param noises  log-mel frames [n, 128] of noises, each of the level of speech and longer than
  ///                the windows; none: windows stay without noise. They outlive this: minutes of
  ///                noise are not copied.
  Augmenter(std::span<const Frames> noises, const AugmentOptions& options)
      : noises_(noises), options_(options) {}

  /// Changes a window [frames, 128] of log-mel energies, in place. What comes out is not below
  /// audio::kLogMelFloor.
  /// @param spare  frames at the begin that may leave a window that is cut
  void augment(std::span<float> window, Random& random, std::int64_t spare = kMostCut) const;

  static constexpr std::int64_t kMostCut = 39;  ///< frames

 private:
  void warp_frequencies(std::span<float> window, Random& random) const;
  void reverberate(std::span<float> powers, Random& random) const;
  double colour(std::span<float> powers, Random& random) const;
  void add_noise(std::span<float> powers, double level_db, Random& random) const;
  void mask(std::span<float> window, Random& random) const;
  static void cut(std::span<float> window, std::int64_t spare, Random& random);

  std::span<const Frames> noises_;
  AugmentOptions options_;
};

}  // namespace wakebuilder::corpus
