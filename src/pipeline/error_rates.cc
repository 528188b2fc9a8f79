#include "wakebuilder/pipeline/error_rates.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::pipeline {
namespace {

std::size_t count_events(std::span<const ScorePoint> trace, double threshold) {
  std::size_t events = 0;
  double last_s = -std::numeric_limits<double>::infinity();
  for (const auto& [time_s, score] : trace) {
    if (score < threshold || time_s - last_s < kFalseAcceptRefractoryS) continue;
    ++events;
    last_s = time_s;
  }
  return events;
}

double share(std::ptrdiff_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

double highest(std::span<const ScorePoint> trace) {
  double most = trace.empty() ? 0 : trace.front().score;
  for (const ScorePoint& point : trace) most = std::max(most, point.score);
  return most;
}

std::vector<ScorePoint> false_accepts(std::span<const ScorePoint> trace, double threshold) {
  std::vector<ScorePoint> events;
  double last_s = -std::numeric_limits<double>::infinity();
  for (const ScorePoint& point : trace) {
    if (point.score < threshold) continue;
    if (point.time_s - last_s >= kFalseAcceptRefractoryS) {
      events.push_back(point);
      last_s = point.time_s;
    } else if (point.score > events.back().score) {
      events.back() = point;
    }
  }
  return events;
}

ErrorRates::ErrorRates(std::vector<double> positives, std::vector<Trace> negatives, double hours)
    : positives_(std::move(positives)), negatives_(std::move(negatives)), hours_(hours) {
  WAKEBUILDER_EXPECT(!positives_.empty() && !negatives_.empty() && hours_ > 0);
  for (const Trace& trace : negatives_) {
    WAKEBUILDER_EXPECT(!trace.empty());
    highest_.push_back(highest(trace));
    for (const ScorePoint& point : trace) thresholds_.push_back(point.score);
  }
  const auto is_nan = [](double score) { return std::isnan(score); };
  WAKEBUILDER_EXPECT(std::ranges::none_of(positives_, is_nan));
  WAKEBUILDER_EXPECT(std::ranges::none_of(thresholds_, is_nan));
  std::ranges::sort(positives_);
  std::ranges::sort(thresholds_, std::greater<>());
  thresholds_.erase(std::unique(thresholds_.begin(), thresholds_.end()), thresholds_.end());
}

std::size_t ErrorRates::events(double threshold) const {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < negatives_.size(); ++i)
    if (highest_[i] >= threshold) sum += count_events(negatives_[i], threshold);
  return sum;
}

OperatingPoint ErrorRates::at(double false_accepts_per_hour) const {
  // More scores reach a lower threshold, and events only become more.
  const auto holds = [&](double threshold) {
    return static_cast<double>(events(threshold)) / hours_ <= false_accepts_per_hour;
  };
  const auto first_bad = std::partition_point(thresholds_.begin(), thresholds_.end(), holds);
  const bool all_hold = first_bad == thresholds_.end();
  const double threshold = all_hold ? thresholds_.back() : *first_bad;
  const double above = std::nextafter(threshold, std::numeric_limits<double>::infinity());
  const auto missed = std::ranges::upper_bound(positives_, threshold) - positives_.begin();
  return {.wanted_per_hour = false_accepts_per_hour,
          .per_hour = static_cast<double>(events(above)) / hours_,
          .threshold = threshold,
          .miss_rate = share(missed, positives_.size())};
}

double ErrorRates::auc() const {
  double wins = 0;
  for (const double negative : highest_) {
    const auto first = std::ranges::lower_bound(positives_, negative);
    const auto last = std::ranges::upper_bound(positives_, negative);
    wins += static_cast<double>(positives_.end() - last) + static_cast<double>(last - first) / 2;
  }
  return wins / static_cast<double>(positives_.size()) / static_cast<double>(highest_.size());
}

double ErrorRates::equal_error_rate() const {
  std::vector<double> negatives = highest_;
  std::ranges::sort(negatives);
  double closest = std::numeric_limits<double>::infinity();
  double rate = 0;
  for (std::size_t i = 0; i < positives_.size(); ++i) {
    const double misses = share(static_cast<std::ptrdiff_t>(i), positives_.size());
    const auto at_least = negatives.end() - std::ranges::lower_bound(negatives, positives_[i]);
    const double accepts = share(at_least, negatives.size());
    if (std::abs(misses - accepts) >= closest) continue;
    closest = std::abs(misses - accepts);
    rate = (misses + accepts) / 2;
  }
  return rate;
}

}  // namespace wakebuilder::pipeline
