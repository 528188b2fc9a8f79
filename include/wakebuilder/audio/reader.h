// Recordings to 16 kHz mono: WAV, FLAC, Ogg and MP3, any rate, channels and sample format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"

namespace wakebuilder::audio {

inline constexpr int kMinRateHz = 1000;
inline constexpr int kMaxRateHz = 768'000;
inline constexpr int kMaxChannels = 64;

/// What a file says about itself.
struct AudioInfo {
  std::string format;  ///< "WAV", "FLAC", "Ogg", "MP3"
  int sample_rate_hz = 0;
  int channels = 0;
  /// Samples per channel; nothing where the file does not say. An MP3's may be an estimate.
  std::optional<std::uint64_t> frames;
};

/// Decodes a recording piece by piece: the mean of its channels, resampled by soxr (very high
/// quality) unless it is 16 kHz already. The samples do not depend on the sizes of the pieces, and
/// memory does not on the length of the recording. Not thread-safe.
class AudioReader {
 public:
  /// Errors, which name the file: kNotFound; kUnsupported for a folder, for what is none of the
  /// four formats, for rates outside 1 to 768 kHz and for more than 64 channels; kCorrupt for a
  /// damaged header, for a file without samples, and for a WAV or MP3 shorter than its header says;
  /// kIo.
  static Result<AudioReader> open(const std::filesystem::path& path);

  /// The same from memory, which must outlive the reader; `name` stands in for the path in errors.
  static Result<AudioReader> open(std::span<const std::byte> bytes, std::string name);

  AudioReader(AudioReader&&) noexcept;
  AudioReader& operator=(AudioReader&&) noexcept;
  ~AudioReader();

  const AudioInfo& info() const;

  /// Fills `out` with 16 kHz samples; fewer than its size only at the end, then 0.
  /// Errors: kCorrupt for damaged data, for fewer samples than a WAV or FLAC promises, and for NaN
  /// or infinity, with the time. What comes before the damage is given first; then it is always the
  /// same error.
  Result<std::size_t> read(std::span<float> out);

 private:
  class Impl;
  explicit AudioReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A whole recording, 16 kHz mono. Errors: as AudioReader; kUnsupported when it is longer than
/// `max_seconds`, so that a small file cannot take all memory.
Result<std::vector<float>> load_audio(const std::filesystem::path& path, double max_seconds = 3600);

}  // namespace wakebuilder::audio
