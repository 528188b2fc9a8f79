// Scores that mean what they say.
#pragma once

#include <span>

namespace wakebuilder::model {

/// From the difference of a network's logits, the wake word's less the other, to that of a
/// probability: scale * difference + offset.
struct Calibration {
  double scale = 1;  ///< above 0
  double offset = 0;

  double operator()(double difference) const { return scale * difference + offset; }
};

/// Fits differences of logits with the wake word against those without it, both classes with the
/// same weight, so that 0 is where both are as likely (Platt 1999, "Probabilistic outputs for
/// support vector machines"; Lin, Lin and Weng 2007, "A note on Platt's probabilistic outputs").
/// What tells nothing of the class, a class without any and the wrong order among it, stays as it
/// is. The scale is at most 8: rounding errors of logits grow with it.
Calibration fit_calibration(std::span<const double> with_word, std::span<const double> without);

}  // namespace wakebuilder::model
