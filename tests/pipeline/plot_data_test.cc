#include "wakebuilder/pipeline/plot_data.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wakebuilder::pipeline {

bool operator==(const Extremes& a, const Extremes& b) { return a.low == b.low && a.high == b.high; }

namespace {

using testing::ElementsAre;

std::vector<float> ramp(std::size_t count) {
  std::vector<float> samples(count);
  for (std::size_t i = 0; i < count; ++i)
    samples[i] = static_cast<float>(i) / static_cast<float>(count);
  return samples;
}

TEST(SoundEnvelope, BeginsWithAColumnPerSample) {
  SoundEnvelope envelope(4);
  EXPECT_TRUE(envelope.columns().empty());
  envelope.add(std::vector<float>{0.5F, -0.25F});
  EXPECT_THAT(envelope.columns(), ElementsAre(Extremes{0.5F, 0.5F}, Extremes{-0.25F, -0.25F}));
  EXPECT_EQ(envelope.samples_per_column(), 1U);
}

TEST(SoundEnvelope, JoinsNeighboursWhenItIsFull) {
  SoundEnvelope envelope(4);
  envelope.add(std::vector<float>{0.1F, 0.2F, -0.3F, 0.4F, 0.5F, -0.6F, 0.7F});
  EXPECT_THAT(envelope.columns(), ElementsAre(Extremes{0.1F, 0.2F}, Extremes{-0.3F, 0.4F},
                                              Extremes{-0.6F, 0.5F}, Extremes{0.7F, 0.7F}));
  EXPECT_EQ(envelope.samples_per_column(), 2U);
  envelope.add(std::vector<float>{0.8F, 0.9F});
  EXPECT_THAT(envelope.columns(),
              ElementsAre(Extremes{-0.3F, 0.4F}, Extremes{-0.6F, 0.8F}, Extremes{0.9F, 0.9F}));
  EXPECT_EQ(envelope.samples_per_column(), 4U);
  EXPECT_EQ(envelope.samples(), 9U);
}

TEST(SoundEnvelope, IsBoundedAndMissesNoPeak) {
  SoundEnvelope envelope;
  const std::vector<float> quiet(16000, 0.01F);
  for (int second = 0; second < 600; ++second) {
    envelope.add(quiet);
    if (second == 300) envelope.add(std::vector<float>{-0.9F});
    EXPECT_LE(envelope.columns().size(), 1200U);
    EXPECT_GE(envelope.columns().size(), 600U);
  }
  EXPECT_EQ(std::ranges::count(envelope.columns(), Extremes{-0.9F, 0.01F}), 1);
}

TEST(SoundEnvelope, DoesNotDependOnThePieces) {
  const std::vector<float> samples = ramp(1000);
  SoundEnvelope whole(16);
  whole.add(samples);
  SoundEnvelope pieces(16);
  for (std::size_t i = 0; i < samples.size(); i += 7)
    pieces.add(std::span(samples).subspan(i, std::min<std::size_t>(7, samples.size() - i)));
  EXPECT_THAT(pieces.columns(), testing::ElementsAreArray(whole.columns()));
}

TEST(SoundEnvelope, ClipsWhatIsLouderAndSilencesWhatIsNoNumber) {
  SoundEnvelope envelope(4);
  envelope.add(std::vector<float>{std::nanf(""), 7.0F, -std::numeric_limits<float>::infinity()});
  EXPECT_THAT(envelope.columns(),
              ElementsAre(Extremes{0, 0}, Extremes{1.0F, 1.0F}, Extremes{-1.0F, -1.0F}));
}

TEST(ScoreTrace, KeepsTheGreatestOfAGroupWithItsTime) {
  ScoreTrace trace(4);
  const std::vector<double> scores = {0.1, 0.9, 0.3, 0.2, 0.5, 0.6, 0.4};
  for (std::size_t i = 0; i < scores.size(); ++i) trace.add({static_cast<double>(i), scores[i]});
  EXPECT_THAT(trace.points(), ElementsAre(ScorePoint{1, 0.9}, ScorePoint{2, 0.3},
                                          ScorePoint{5, 0.6}, ScorePoint{6, 0.4}));
  trace.add({7, 0.8});
  trace.add({8, 0.1});
  EXPECT_THAT(trace.points(),
              ElementsAre(ScorePoint{1, 0.9}, ScorePoint{7, 0.8}, ScorePoint{8, 0.1}));
}

TEST(ScoreTrace, IsBoundedAndMovesNoPeak) {
  ScoreTrace trace;
  for (int i = 0; i < 100'000; ++i) {
    trace.add({i * 0.01, i == 54'321 ? 0.9 : 0.1});
    EXPECT_LE(trace.points().size(), 2400U);
  }
  EXPECT_GE(trace.points().size(), 1200U);
  EXPECT_EQ(std::ranges::count(trace.points(), ScorePoint{54'321 * 0.01, 0.9}), 1);
}

TEST(PlotData, RefusesSizesThatCannotBeHalved) {
  EXPECT_THROW(SoundEnvelope(0), std::logic_error);
  EXPECT_THROW(SoundEnvelope(3), std::logic_error);
  EXPECT_THROW(ScoreTrace(0), std::logic_error);
  EXPECT_THROW(ScoreTrace(5), std::logic_error);
}

}  // namespace
}  // namespace wakebuilder::pipeline
