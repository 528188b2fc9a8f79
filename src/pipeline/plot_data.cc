#include "wakebuilder/pipeline/plot_data.h"

#include <algorithm>
#include <cmath>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::pipeline {
namespace {

/// Two neighbours become one.
template <class Item, class Join>
void halve(std::vector<Item>& items, Join join) {
  for (std::size_t i = 0; i < items.size() / 2; ++i)
    items[i] = join(items[2 * i], items[2 * i + 1]);
  items.resize(items.size() / 2);
}

Extremes joined(const Extremes& a, const Extremes& b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

ScorePoint higher(const ScorePoint& a, const ScorePoint& b) { return b.score > a.score ? b : a; }

}  // namespace

SoundEnvelope::SoundEnvelope(std::size_t most_columns) : most_columns_(most_columns) {
  WAKEBUILDER_EXPECT(most_columns > 0 && most_columns % 2 == 0);
  columns_.reserve(most_columns);
}

void SoundEnvelope::add(std::span<const float> samples) {
  for (const float sample : samples)
    add(std::isnan(sample) ? 0.0F : std::clamp(sample, -1.0F, 1.0F));
}

void SoundEnvelope::add(float sample) {
  ++samples_;
  if (!columns_.empty() && in_last_ < samples_per_column_) {
    columns_.back() = joined(columns_.back(), {sample, sample});
    ++in_last_;
    return;
  }
  if (columns_.size() == most_columns_) {
    halve(columns_, joined);
    samples_per_column_ *= 2;
  }
  columns_.push_back({sample, sample});
  in_last_ = 1;
}

ScoreTrace::ScoreTrace(std::size_t most_points) : most_points_(most_points) {
  WAKEBUILDER_EXPECT(most_points > 0 && most_points % 2 == 0);
}

void ScoreTrace::add(ScorePoint point) {
  if (!points_.empty() && in_last_ < scores_per_point_) {
    points_.back() = higher(points_.back(), point);
    ++in_last_;
    return;
  }
  if (points_.size() == most_points_) {
    halve(points_, higher);
    scores_per_point_ *= 2;
  }
  points_.push_back(point);
  in_last_ = 1;
}

}  // namespace wakebuilder::pipeline
