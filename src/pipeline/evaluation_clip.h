// A recording as models hear it when they are evaluated.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "wakebuilder/audio/noise.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/corpus/random.h"

namespace wakebuilder::pipeline {

inline constexpr double kEdgeS = 0.5;  ///< of noise floor on either side

/// Noise to mix in: samples with a root mean square of 1, repeated where a clip is longer.
struct MixedNoise {
  std::span<const float> samples;
  double snr_db = 0;
};

using TakeSamples = std::function<Result<void>(std::span<const float> samples)>;

/// Half a second of the clip's own noise floor, the clip, and half a second again; noise over all
/// of it; scaled where it would clip. Of what is longer than a minute nothing is kept: it is read
/// once to measure its level, with noise once more for the peak, and once to be heard.
class EvaluationClip {
 public:
  /// Reads and measures it. Errors: those of audio::AudioReader.
  static Result<EvaluationClip> open(const std::filesystem::path& path, std::uint64_t seed);

  double seconds() const;  ///< without the edges
  Result<void> hear(const std::optional<MixedNoise>& noise, const TakeSamples& take) const;

 private:
  Result<void> each_piece(const TakeSamples& take) const;
  Result<void> each_mixed(const std::optional<MixedNoise>& noise, const TakeSamples& take) const;

  std::filesystem::path path_;
  std::uint64_t seed_ = 0;
  std::vector<float> kept_;  ///< the clip, when it is short
  std::uint64_t samples_ = 0;
  audio::SpeechLevel level_;
};

/// 150 s of pink noise, then 150 s of eight people of `speech` at once, each with a root mean
/// square of 1. Files that cannot be read, or are shorter than a quarter of a second, are left out.
/// Errors: kInvalidArgument when nothing is left.
Result<std::vector<float>> evaluation_noise(std::span<const std::filesystem::path> speech,
                                            corpus::Random& random);

}  // namespace wakebuilder::pipeline
