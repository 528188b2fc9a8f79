// Sound and scores of any length in bounded memory, for drawings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wakebuilder::pipeline {

struct Extremes {
  float low = 0;
  float high = 0;
};

/// The least and greatest sample of each of at most `most_columns` equal pieces of a recording. A
/// column begins as one sample; whenever all are full, neighbours are joined, so that from then on
/// there are between half of `most_columns` and all of it.
class SoundEnvelope {
 public:
  /// @pre most_columns is even and not 0, else std::logic_error
  explicit SoundEnvelope(std::size_t most_columns = 1200);

  /// @param samples  +-1; what is louder is clipped, NaN is silence
  void add(std::span<const float> samples);

  std::span<const Extremes> columns() const { return columns_; }
  std::uint64_t samples_per_column() const { return samples_per_column_; }
  std::uint64_t samples() const { return samples_; }

 private:
  void add(float sample);

  std::size_t most_columns_;
  std::vector<Extremes> columns_;
  std::uint64_t samples_per_column_ = 1;
  std::uint64_t in_last_ = 0;  ///< samples of the last column
  std::uint64_t samples_ = 0;
};

struct ScorePoint {
  double time_s = 0;
  double score = 0;

  friend bool operator==(const ScorePoint&, const ScorePoint&) = default;
};

/// Scores over time, at most `most_points` of them: where there are too many, of each group of
/// neighbours the greatest stays, with its own time, so that no peak is lost or moved.
class ScoreTrace {
 public:
  /// @pre most_points is even and not 0, else std::logic_error
  explicit ScoreTrace(std::size_t most_points = 2400);

  void add(ScorePoint point);

  std::span<const ScorePoint> points() const { return points_; }

 private:
  std::size_t most_points_;
  std::vector<ScorePoint> points_;
  std::uint64_t scores_per_point_ = 1;
  std::uint64_t in_last_ = 0;  ///< scores that the last point stands for
};

}  // namespace wakebuilder::pipeline
