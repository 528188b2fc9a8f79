// What a detector hears in a source of sound, from its begin to its end.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/audio/source.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/runtime/detector.h"

namespace wakebuilder::pipeline {

/// One wake word in one source.
struct WordReport {
  std::string model;
  double score = 0;  ///< the highest smoothed probability; 0 when no window came together
  std::vector<double> times_s;  ///< of the scores, if they are kept
  std::vector<double> scores;   ///< probabilities before smoothing, one per hop
};

struct DetectReport {
  std::string file;           ///< the source's name
  double seconds = 0;         ///< of sound
  std::uint64_t dropped = 0;  ///< samples that a live source lost
  bool with_scores = false;
  std::vector<WordReport> words;
  std::vector<runtime::Detection> detections;

  bool detected() const { return !detections.empty(); }
  /// The highest of all words.
  double score() const;
};

/// Called while it listens, in this order for each piece of sound; any may be empty.
struct DetectObserver {
  std::function<void(std::span<const float> samples)> on_sound{};
  std::function<void(const runtime::Score& score)> on_score{};
  /// An error ends the listening.
  std::function<Result<void>(const runtime::Detection& detection)> on_detection{};
};

/// Listens until the source ends. `report` has what was heard so far, also after an error.
/// A live source may run for ever: memory grows with detections, and with kept scores.
/// Errors: those of the source and of the detector, with the source's name; kUnsupported for a
/// recording of less than one frame (25 ms).
Result<void> detect(runtime::Detector& detector, audio::SoundSource& source, bool keep_scores,
                    const DetectObserver& observer, DetectReport& report);

}  // namespace wakebuilder::pipeline
