#include "pipeline/calibration.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/probability.h"

namespace wakebuilder::pipeline {
namespace {

double logit(double probability) {
  constexpr double kLeast = 1e-12;
  const double inside = std::clamp(probability, kLeast, 1 - kLeast);
  return std::log(inside / (1 - inside));
}

double calibrated(double score, const model::Calibration& calibration) {
  return core::logistic(calibration(logit(score)));
}

}  // namespace

model::Calibration calibrate(const HeldOutScores& scores) {
  std::vector<double> words;
  std::vector<double> others;
  for (const ScoredText& word : scores.words) words.push_back(logit(word.score));
  for (const ScoredText& other : scores.others) others.push_back(logit(other.score));
  for (const ScoredText& section : scores.sections) others.push_back(logit(section.score));
  return model::fit_calibration(words, others);
}

HeldOutScores calibrated(HeldOutScores scores, const model::Calibration& calibration) {
  for (auto* texts : {&scores.words, &scores.others, &scores.sections})
    for (ScoredText& text : *texts) text.score = calibrated(text.score, calibration);
  for (auto* traces : {&scores.stream, &scores.own})
    for (Trace& trace : *traces)
      for (ScorePoint& point : trace) point.score = calibrated(point.score, calibration);
  return scores;
}

model::NamedTensors calibrated(model::NamedTensors tensors, const model::Calibration& calibration) {
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
