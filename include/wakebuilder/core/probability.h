// Probabilities of the wake word, from the difference of two logits: its own less the other.
#pragma once

#include <algorithm>
#include <cmath>

namespace wakebuilder::core {

/// The softmax over both logits, of the wake word's.
inline double logistic(double difference) { return 1 / (1 + std::exp(-difference)); }

/// -t ln p - (1 - t) ln(1 - p) of p = logistic(difference); neither logarithm overflows.
/// @param target  t, 0 to 1
inline double cross_entropy(double difference, double target) {
  return std::max(difference, 0.0) - target * difference +
         std::log1p(std::exp(-std::abs(difference)));
}

}  // namespace wakebuilder::core
