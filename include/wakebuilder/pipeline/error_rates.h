// How often a wake word is missed and how often it is heard where nobody said it.
//
// Scores are compared, never computed with: probabilities and logits give the same rates. A clip
// with the wake word is detected when its highest score is above the threshold. In sound without
// it, a score at or above the threshold is a false accept, unless the last one is less than a
// second old.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "wakebuilder/pipeline/plot_data.h"

namespace wakebuilder::pipeline {

/// The scores of one clip in the order of time.
using Trace = std::vector<ScorePoint>;

inline constexpr double kFalseAcceptRefractoryS = 1;

/// The highest score; 0 of an empty trace.
double highest(std::span<const ScorePoint> trace);

/// The false accepts in a clip: each at its highest score until the next one begins.
std::vector<ScorePoint> false_accepts(std::span<const ScorePoint> trace, double threshold);

/// What a rate of false accepts costs.
struct OperatingPoint {
  double wanted_per_hour = 0;
  double per_hour = 0;   ///< what comes at this threshold, at most `wanted_per_hour`
  double threshold = 0;  ///< the lowest that keeps the rate: scores must be above it
  double miss_rate = 0;  ///< 0 to 1: positives not above the threshold
};

/// Rates of a model on clips with and without its wake word.
class ErrorRates {
 public:
  /// @param positives  the highest score of each clip with the wake word, not empty
  /// @param negatives  all scores of each clip without it, not empty
  /// @param hours      of the negatives, above 0
  /// @pre as said, and no score is NaN, else std::logic_error
  ErrorRates(std::vector<double> positives, std::vector<Trace> negatives, double hours);

  /// False accepts of all negatives at a threshold.
  std::size_t events(double threshold) const;

  /// The threshold for at most so many false accepts per hour, and the misses that come with it. It
  /// is the score below the lowest one at which the rate still holds, or the highest where none
  /// does.
  OperatingPoint at(double false_accepts_per_hour) const;

  /// The probability that a positive's highest score is above a negative's; ties count half.
  double auc() const;

  /// The rate at which clips with and without the wake word are judged wrongly, where both rates
  /// are closest: their mean.
  double equal_error_rate() const;

 private:
  std::vector<double> positives_;  ///< ascending
  std::vector<Trace> negatives_;
  std::vector<double> highest_;     ///< of each negative
  std::vector<double> thresholds_;  ///< descending, unique
  double hours_;
};

}  // namespace wakebuilder::pipeline
