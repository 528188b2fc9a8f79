// Short-time spectra in the frames of the features, and the sound that fits spectra best.
#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "wakebuilder/audio/mel_filters.h"

namespace wakebuilder::audio {

/// A frame is 400 samples every 160, times the symmetric Hann window, with zeros behind it up to
/// the 512 points of the transform (kissfft, float32). Not to be used by two threads at once.
class ShortTimeTransform {
 public:
  using Spectra = std::vector<std::complex<float>>;  ///< [frames, 257]

  /// @pre frames >= 1
  explicit ShortTimeTransform(std::size_t frames);

  std::size_t frames() const { return frames_; }
  std::size_t samples() const { return weights_.size(); }  ///< (frames - 1) * 160 + 400

  /// The spectra of samples [samples()].
  void forward(std::span<const float> samples, Spectra& spectra);

  /// The sound whose spectra are nearest to these in the mean of squares (Griffin and Lim 1984,
  /// equation 6). At both ends, where frames begin and end with hardly any weight, it fades.
  void inverse(const Spectra& spectra, std::span<float> samples);

 private:
  struct Free {
    void operator()(void* plan) const;
  };
  using Plan = std::unique_ptr<void, Free>;

  std::size_t frames_;
  std::vector<float> window_;   ///< [400]
  std::vector<float> weights_;  ///< one over the sum of squared windows at each sample
  std::vector<float> points_;   ///< [512]: of the frame that is worked on
  Plan forward_, inverse_;      ///< kiss_fftr_cfg
};

}  // namespace wakebuilder::audio
