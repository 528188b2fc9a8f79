#include "pipeline/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::pipeline {
namespace {

constexpr int kMostSteps = 100;
constexpr double kEnough = 1e-8;  ///< gradient at which the fit is done
constexpr double kRidge = 1e-9;   ///< on the second derivatives
constexpr double kLeastScale = 0.1;
constexpr double kMostScale = 8;  ///< rounding errors of the logits grow with it

double probability(double logit) { return 1 / (1 + std::exp(-logit)); }

double logit(double probability) {
  constexpr double kLeast = 1e-12;
  const double inside = std::clamp(probability, kLeast, 1 - kLeast);
  return std::log(inside / (1 - inside));
}

/// Differences of logits of one class.
struct Class {
  std::vector<double> values;
  double target = 0;  ///< probability: not quite 0 or 1, as so few can show
};

using Classes = std::vector<Class>;

Classes classes_of(const HeldOutScores& scores) {
  Classes classes(2);
  for (const auto& other : scores.others) classes[0].values.push_back(logit(other.score));
  for (const auto& section : scores.sections) classes[0].values.push_back(logit(section.score));
  for (const auto& word : scores.words) classes[1].values.push_back(logit(word.score));
  const auto size = [](const Class& of) { return static_cast<double>(of.values.size()); };
  classes[0].target = 1 / (size(classes[0]) + 2);
  classes[1].target = (size(classes[1]) + 1) / (size(classes[1]) + 2);
  return classes;
}

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
      const double z = at.scale * d + at.offset;
      const double p = probability(z);
      // -t ln p - (1 - t) ln(1 - p), where neither logarithm can overflow
      loss.value +=
          weight * (std::max(z, 0.0) - of.target * z + std::log1p(std::exp(-std::abs(z))));
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

double calibrated(double score, const Calibration& calibration) {
  return probability(calibration.scale * logit(score) + calibration.offset);
}

}  // namespace

Calibration calibrate(const HeldOutScores& scores) {
  const Classes classes = classes_of(scores);
  if (std::ranges::any_of(classes, &std::vector<double>::empty, &Class::values)) return {};
  Calibration at;
  Loss loss = loss_of(classes, at);
  for (int step = 0; step < kMostSteps; ++step)
    if (std::hypot(loss.scale, loss.offset) < kEnough || !improve(classes, loss, at)) break;
  if (at.scale < kLeastScale) return {};
  // What is scaled less keeps its middle.
  const double scale = std::min(at.scale, kMostScale);
  return {.scale = scale, .offset = at.offset * scale / at.scale};
}

HeldOutScores calibrated(HeldOutScores scores, const Calibration& calibration) {
  for (auto* texts : {&scores.words, &scores.others, &scores.sections})
    for (ScoredText& text : *texts) text.score = calibrated(text.score, calibration);
  for (auto* traces : {&scores.stream, &scores.own})
    for (Trace& trace : *traces)
      for (ScorePoint& point : trace) point.score = calibrated(point.score, calibration);
  return scores;
}

model::NamedTensors calibrated(model::NamedTensors tensors, const Calibration& calibration) {
  constexpr std::string_view kWeight = ".weight";
  const auto is_last = [&](const auto& item) {
    const auto& [name, tensor] = item;
    return name.find("classifier.") != std::string::npos && name.ends_with(kWeight) &&
           tensor.shape().size() == 2 && tensor.shape()[0] == model::kClasses;
  };
  const auto weight = std::ranges::find_if(tensors, is_last);
  WAKEBUILDER_EXPECT(weight != tensors.end());
  const std::string layer = weight->first.substr(0, weight->first.size() - kWeight.size());
  const auto bias =
      std::ranges::find(tensors, layer + ".bias", &model::NamedTensors::value_type::first);
  WAKEBUILDER_EXPECT(bias != tensors.end());
  for (auto* item : {&*weight, &*bias}) {
    const auto values = item->second.template as<float>();
    std::vector<float> scaled(values.begin(), values.end());
    for (float& value : scaled)
      value = static_cast<float>(static_cast<double>(value) * calibration.scale);
    if (item == &*bias) scaled.back() += static_cast<float>(calibration.offset);
    item->second = core::Tensor::from(std::move(scaled), item->second.shape());
  }
  return tensors;
}

}  // namespace wakebuilder::pipeline
