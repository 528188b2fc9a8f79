#include "train/scores.h"

#include <cstddef>
#include <vector>

#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/probability.h"
#include "wakebuilder/model/calibration.h"

namespace wakebuilder::train {
namespace {

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Scores score(std::span<const float> logits, std::span<const std::uint8_t> labels) {
  WAKEBUILDER_EXPECT(!labels.empty() && logits.size() == 2 * labels.size());
  std::vector<double> words;
  std::vector<double> others;
  for (std::size_t n = 0; n < labels.size(); ++n)
    (labels[n] == 1 ? words : others)
        .push_back(static_cast<double>(logits[2 * n + 1]) - static_cast<double>(logits[2 * n]));
  const model::Calibration calibration = model::fit_calibration(words, others);
  std::int64_t told = 0;
  Scores scores;
  for (const double word : words) {
    scores.loss += core::cross_entropy(calibration(word), 1);
    told += calibration(word) > 0 ? 1 : 0;
  }
  for (const double other : others) {
    scores.loss += core::cross_entropy(calibration(other), 0);
    scores.false_accepts += calibration(other) > 0 ? 1 : 0;
  }
  const auto count = static_cast<std::int64_t>(labels.size());
  const auto positives = static_cast<std::int64_t>(words.size());
  scores.loss /= static_cast<double>(count);
  scores.accuracy = share(count - positives - scores.false_accepts + told, count);
  scores.recall = share(told, positives);
  scores.f1 = share(2 * told, told + scores.false_accepts + positives);
  return scores;
}

}  // namespace wakebuilder::train
