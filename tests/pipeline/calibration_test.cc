#include "pipeline/calibration.h"

#include <cmath>
#include <stdexcept>

#include <gtest/gtest.h>

#include "wakebuilder/corpus/random.h"

namespace wakebuilder::pipeline {
namespace {

double probability(double logit) { return 1 / (1 + std::exp(-logit)); }

ScoredText scored(double logit) { return {.text = "", .voice = "", .score = probability(logit)}; }

/// Words and others whose true probabilities are those of logits 3 d - 4, as d is told.
HeldOutScores told_as_a_third() {
  corpus::Random random(1);
  HeldOutScores scores;
  for (int i = 0; i < 20000; ++i) {
    const double z = random.uniform(-6, 6);
    const bool is_word = random.chance(probability(z));
    (is_word ? scores.words : scores.sections).push_back(scored((z + 4) / 3));
  }
  return scores;
}

TEST(Calibration, FindsWhatTheScoresMean) {
  const model::Calibration found = calibrate(told_as_a_third());
  EXPECT_NEAR(found.scale, 3, 0.1);
  EXPECT_NEAR(found.offset, -4, 0.2);
}

TEST(Calibration, KeepsTheOrderAndMovesSilenceDown) {
  HeldOutScores scores;
  for (int i = 0; i < 100; ++i) {
    scores.words.push_back(scored(1.5 + 0.02 * i));
    scores.others.push_back(scored(0.1));
    scores.sections.push_back(scored(0.1 + 0.012 * i));
  }
  scores.stream = {{{.time_s = 1, .score = probability(0.1)}, {.time_s = 2, .score = 0.8}}};
  const model::Calibration found = calibrate(scores);
  const HeldOutScores after = calibrated(scores, found);
  EXPECT_LT(after.others[0].score, 0.05);
  EXPECT_GT(after.words[99].score, 0.95);
  EXPECT_EQ(after.stream[0][0].score, after.others[0].score);
  for (std::size_t i = 1; i < 100; ++i) EXPECT_GT(after.words[i].score, after.words[i - 1].score);
}

TEST(Calibration, EndsForClassesThatLieApart) {
  HeldOutScores scores;
  scores.words = {scored(30), scored(31)};
  scores.sections = {scored(-30)};
  const model::Calibration found = calibrate(scores);
  EXPECT_TRUE(std::isfinite(found.scale) && std::isfinite(found.offset));
  EXPECT_GT(found.scale, 0);
  scores.words = {scored(0.1)};
  scores.sections = {scored(0.0)};
  EXPECT_LE(calibrate(scores).scale, 8);
}

TEST(Calibration, LeavesANetworkAloneThatKnowsNothing) {
  HeldOutScores scores;
  EXPECT_EQ(calibrate(scores).scale, 1);  // nothing to learn from
  for (int i = 0; i < 100; ++i) {
    scores.words.push_back(scored(-1 - 0.01 * i));  // the wrong way round
    scores.sections.push_back(scored(1 + 0.01 * i));
  }
  EXPECT_EQ(calibrate(scores).scale, 1);
  EXPECT_EQ(calibrate(scores).offset, 0);
}

TEST(Calibration, ChangesTheLastLayerOnly) {
  const model::NamedTensors tensors = {
      {"head.classifier.0.weight",
       core::Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {3, 2})},
      {"head.classifier.0.bias", core::Tensor::from(std::vector<float>{1, 2, 3}, {3})},
      {"head.classifier.1.weight",
       core::Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3})},
      {"head.classifier.1.bias", core::Tensor::from(std::vector<float>{0.5, 1}, {2})}};
  const auto after = calibrated(tensors, {.scale = 2, .offset = -3});
  const auto values = [](const core::Tensor& tensor) {
    const auto span = tensor.as<float>();
    return std::vector<float>(span.begin(), span.end());
  };
  EXPECT_EQ(values(after[1].second), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(values(after[2].second), (std::vector<float>{2, 4, 6, 8, 10, 12}));
  EXPECT_EQ(values(after[3].second), (std::vector<float>{1, -1}));  // 2 (1 - 0.5) - 3 apart
  EXPECT_THROW(static_cast<void>(calibrated(model::NamedTensors{}, model::Calibration{})),
               std::logic_error);
}

}  // namespace
}  // namespace wakebuilder::pipeline
