// The sound around each detection, as recordings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/runtime/detector.h"

namespace wakebuilder::pipeline {

/// Keeps the last seconds of a stream and writes two of them around each detection: the 1.8 s up to
/// the end of its window and the 0.2 s behind, to FOLDER/SOURCE-MODEL-TIMEs.wav, 16 kHz mono.
/// Memory does not grow with the stream.
class DetectionClips {
 public:
  /// Makes the folder if it is not there. Errors: kIo.
  static Result<DetectionClips> create(const std::filesystem::path& folder,
                                       const std::string& source);

  /// The sound, all of it, before the detections in it. Errors: kIo, as audio::write_wav.
  Result<void> push(std::span<const float> samples);

  void add(const runtime::Detection& detection);

  /// The sound has ended: writes what is still waiting, shorter. Errors: as push().
  Result<void> finish();

  const std::vector<std::filesystem::path>& written() const { return written_; }

 private:
  struct Waiting {
    std::uint64_t first, end;  ///< samples of the stream
    std::filesystem::path path;
  };

  DetectionClips(std::filesystem::path folder, std::string source)
      : folder_(std::move(folder)), source_(std::move(source)) {}
  Result<void> write(const Waiting& clip);

  std::filesystem::path folder_;
  std::string source_;
  std::vector<float> kept_;  ///< the last samples of the stream
  std::uint64_t heard_ = 0;  ///< samples of the stream
  std::vector<Waiting> waiting_;
  std::vector<std::filesystem::path> written_;
};

}  // namespace wakebuilder::pipeline
