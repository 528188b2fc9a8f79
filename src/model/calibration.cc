#include "wakebuilder/model/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "wakebuilder/core/probability.h"

namespace wakebuilder::model {
namespace {

constexpr int kMostSteps = 100;
constexpr double kEnough = 1e-8;  ///< gradient at which the fit is done
constexpr double kRidge = 1e-9;   ///< on the second derivatives
constexpr double kLeastScale = 0.1;
constexpr double kMostScale = 8;

/// Differences of logits of one class.
struct Class {
  std::span<const double> values;
  double target = 0;  ///< probability: not quite 0 or 1, as so few can show
};

using Classes = std::array<Class, 2>;

/// Cross entropy, its gradient and its second derivatives by scale and offset.
struct Loss {
  double value = 0, scale = 0, offset = 0, scale_scale = kRidge, scale_offset = 0,
         offset_offset = kRidge;
};

Loss loss_of(const Classes& classes, const Calibration& at) {
  Loss loss;
  for (const Class& of : classes) {
    const double weight = 1 / static_cast<double>(of.values.size());
    for (const double d : of.values) {
      const double z = at(d);
      const double p = core::logistic(z);
      loss.value += weight * core::cross_entropy(z, of.target);
      const double slope = weight * (p - of.target);
      const double bend = weight * p * (1 - p);
      loss.scale += slope * d;
      loss.offset += slope;
      loss.scale_scale += bend * d * d;
      loss.scale_offset += bend * d;
      loss.offset_offset += bend;
    }
  }
  return loss;
}

/// Newton's step, halved until the loss falls; false when it falls no more.
bool improve(const Classes& classes, Loss& loss, Calibration& at) {
  constexpr int kMostHalvings = 32;
  const double determinant =
      loss.scale_scale * loss.offset_offset - loss.scale_offset * loss.scale_offset;
  const double scale =
      (loss.offset_offset * loss.scale - loss.scale_offset * loss.offset) / determinant;
  const double offset =
      (loss.scale_scale * loss.offset - loss.scale_offset * loss.scale) / determinant;
  double size = 1;
  for (int i = 0; i < kMostHalvings; ++i, size /= 2) {
    const Calibration next = {.scale = at.scale - size * scale,
                              .offset = at.offset - size * offset};
    const Loss found = loss_of(classes, next);
    if (!(found.value < loss.value)) continue;  // also where it is no number
    at = next;
    loss = found;
    return true;
  }
  return false;
}

}  // namespace

Calibration fit_calibration(std::span<const double> with_word, std::span<const double> without) {
  if (with_word.empty() || without.empty()) return {};
  const auto positives = static_cast<double>(with_word.size());
  const auto negatives = static_cast<double>(without.size());
  const Classes classes = {Class{.values = without, .target = 1 / (negatives + 2)},
                           Class{.values = with_word, .target = (positives + 1) / (positives + 2)}};
  Calibration at;
  Loss loss = loss_of(classes, at);
  for (int step = 0; step < kMostSteps; ++step)
    if (std::hypot(loss.scale, loss.offset) < kEnough || !improve(classes, loss, at)) break;
  if (at.scale < kLeastScale) return {};
  // What is scaled less keeps its middle.
  const double scale = std::min(at.scale, kMostScale);
  return {.scale = scale, .offset = at.offset * scale / at.scale};
}

}  // namespace wakebuilder::model
