#include "train/scores.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::train {
namespace {

/// -log softmax of the right class.
double loss_of(double right, double wrong) {
  const double most = std::max(right, wrong);
  return most - right + std::log(std::exp(right - most) + std::exp(wrong - most));
}

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Scores score(std::span<const float> logits, std::span<const std::uint8_t> labels) {
  WAKEBUILDER_EXPECT(!labels.empty() && logits.size() == 2 * labels.size());
  std::int64_t told = 0;
  std::int64_t positives = 0;
  std::int64_t right = 0;
  Scores scores;
  for (std::size_t n = 0; n < labels.size(); ++n) {
    const bool is_word = labels[n] == 1;
    const bool is_taken = logits[2 * n + 1] > logits[2 * n];
    scores.loss += loss_of(static_cast<double>(logits[2 * n + labels[n]]),
                           static_cast<double>(logits[2 * n + 1 - labels[n]]));
    positives += is_word ? 1 : 0;
    told += is_word && is_taken ? 1 : 0;
    right += is_word == is_taken ? 1 : 0;
    scores.false_accepts += is_taken && !is_word ? 1 : 0;
  }
  const auto count = static_cast<std::int64_t>(labels.size());
  scores.loss /= static_cast<double>(count);
  scores.accuracy = share(right, count);
  scores.recall = share(told, positives);
  scores.f1 = share(2 * told, told + scores.false_accepts + positives);
  return scores;
}

}  // namespace wakebuilder::train
