// What the Audio Spectrogram Transformer hears: normalised log-mel energies.
//
// The same as transformers' ASTFeatureExtractor: frames of 25 ms every 10 ms, mean removed,
// pre-emphasis, symmetric Hann window, power spectrum of 512 points, 128 mel filters, natural
// logarithm; rows of zeros up to `frames` rows, or the first `frames` rows; then
// (x - mean) / (2 std), zeros included. Computed in double and stored as float32: within float32's
// last bits of the formula, where float32 implementations are off by up to 1e-2
// (docs/formats/features.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/result.h"

namespace wakebuilder::audio {

/// The settings that models differ in. The defaults are those of AudioSet's model.
struct FeatureOptions {
  std::size_t frames = 1024;  ///< rows of a batch, "max_length"
  double mean = -4.2677393;
  double std = 4.5689974;
  bool normalise = true;  ///< false: logarithms as they are, and rows of 0 behind them

  friend bool operator==(const FeatureOptions&, const FeatureOptions&) = default;
};

inline constexpr std::size_t kMaxFrames = 360'000;  ///< of FeatureOptions: an hour

/// Errors: kInvalidArgument for frames outside 1 to kMaxFrames, a mean that is not within
/// +-1000, a std that is not within 1e-6 to 1000.
Result<void> check(const FeatureOptions& options);

/// The settings in the text of a `preprocessor_config.json`; missing fields have transformers'
/// defaults, unknown ones are left alone. Errors: kCorrupt for what is no JSON object, kUnsupported
/// for settings of other features (another sampling_rate, num_mel_bins, padding_value, ...),
/// kInvalidArgument as check().
Result<FeatureOptions> parse_preprocessor(std::string_view json);

/// The same from a file of at most 1 MiB, which errors name. Errors: also those of core::read_text.
Result<FeatureOptions> read_preprocessor(const std::filesystem::path& path);

/// A batch of one.
struct Features {
  std::vector<float> values;  ///< [frames, 128]
  std::size_t frames = 0;
  std::size_t valid_frames = 0;  ///< rows that are sound; the others are padding
};

/// Sound in pieces of any size to normalised frames, each as soon as its 400 samples are there.
/// The frames have the same bits as FeatureExtractor's, however the sound is cut. It allocates
/// nothing but what `out` needs. Not thread-safe; copies go on independently.
class FeatureStream {
 public:
  /// @pre check(options), else std::logic_error. `frames` is not looked at.
  explicit FeatureStream(const FeatureOptions& options);

  /// Appends the frames that become complete to `out`, 128 floats each.
  /// Errors: kInvalidArgument for a sample that is NaN or infinite, with its time; nothing of the
  /// piece is used then.
  Result<void> push(std::span<const float> samples, std::vector<float>& out);

  std::uint64_t samples() const { return samples_; }  ///< pushed so far
  std::uint64_t frames() const { return frames_; }    ///< made so far

  /// As new.
  void reset();

 private:
  static constexpr std::size_t kPiece = 16 * kFrameShift;
  void take(std::span<const float> samples, std::vector<float>& out);
  void make_frames(std::span<const float> samples, std::size_t count, std::vector<float>& out);

  double offset_;
  double scale_;
  std::array<float, kFrameLength + kPiece> rest_{};  ///< samples of frames to come
  std::size_t rest_size_ = 0;
  std::uint64_t samples_ = 0;
  std::uint64_t frames_ = 0;
};

/// A whole recording to a padded batch. Immutable, so thread-safe.
class FeatureExtractor {
 public:
  /// Errors: as check().
  static Result<FeatureExtractor> create(const FeatureOptions& options);

  /// 16 kHz mono samples, +-1. Errors: kInvalidArgument for fewer than 400 samples and for a sample
  /// that is NaN or infinite among those that are used.
  Result<Features> extract(std::span<const float> samples) const;

  /// Pads rows of sound up to `frames` rows, or cuts them. @pre rows.size() % 128 == 0
  Features pad(std::vector<float> rows) const;

  const FeatureOptions& options() const { return options_; }
  /// The value of padding: (0 - mean) / (2 std).
  float pad_value() const;

 private:
  explicit FeatureExtractor(const FeatureOptions& options) : options_(options) {}
  FeatureOptions options_;
};

}  // namespace wakebuilder::audio
