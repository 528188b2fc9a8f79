// Draws what models heard in a recording.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/pipeline/plot_data.h"

namespace wakebuilder::pipeline {

/// A model: one curve of scores.
struct PlotSeries {
  std::string name;
  double threshold = 0.5;  ///< 0 to 1, in the scale of the scores
};

/// An SVG document of its own: the scores of one or several models over time, each with its
/// threshold (dashed) and detections (a marker and its time), above the sound.
///
/// It is fed piecewise and needs bounded memory, however long the recording is: SoundEnvelope,
/// ScoreTrace, kMostDetections. Readable on light and dark pages, on paper and without colours
/// (curves differ by their dashes too, markers by their shapes). Text is escaped: names may be
/// hostile. The same data gives the same bytes.
///
/// Scores and detections of a series come in the order of time. Times are seconds from the first
/// sample, not negative. What is no number (NaN, infinity) is left out.
class DetectionPlot {
 public:
  /// More detections are counted, but not drawn.
  static constexpr std::size_t kMostDetections = 1000;

  /// @param title  the name of the recording, any bytes
  explicit DetectionPlot(std::string title, std::vector<PlotSeries> series);

  /// @param samples  the next ones, 16 kHz mono, +-1
  void add_sound(std::span<const float> samples) { sound_.add(samples); }

  /// @pre series < number of series, else std::logic_error; so for add_detection()
  /// @param score  0 to 1; what is outside is drawn at the border
  void add_score(std::size_t series, double time_s, double score);
  void add_detection(std::size_t series, double time_s, double score);

  std::string svg() const;

  struct Detection {
    std::size_t series = 0;
    ScorePoint point;
  };

 private:
  bool take(std::size_t series, double time_s, double score);

  std::string title_;
  std::vector<PlotSeries> series_;
  SoundEnvelope sound_;
  std::vector<ScoreTrace> scores_;
  std::vector<Detection> detections_;  ///< at most kMostDetections
  std::uint64_t all_detections_ = 0;
  double last_s_ = 0;
};

}  // namespace wakebuilder::pipeline
