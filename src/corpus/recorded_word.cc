#include "wakebuilder/corpus/recorded_word.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <span>
#include <utility>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/expect.h"

namespace wakebuilder::corpus {
namespace {

constexpr std::size_t kHumBins = 8;  ///< of hum and handling, which tell nothing of loudness
constexpr std::size_t kQuietOf = 5;  ///< the quietest frames, one of so many, are the room
constexpr double kLeastAboveDb = 6;
constexpr double kMostBelowDb = 44;
constexpr std::size_t kLongestGap = 25;  ///< frames
constexpr std::size_t kLongestWord = 180;
constexpr double kStepDb = 3;
constexpr std::size_t kKeptBefore = 3;
constexpr std::size_t kKeptBehind = 6;
constexpr double kSubtracted = 1.5;
constexpr double kLeft = 0.01;

double power_db(double power) { return 10 * std::log10(power); }

std::span<const float> row_of(const Frames& frames, std::size_t t) {
  return std::span(frames).subspan(t * kBins, kBins);
}

/// Decibels of each frame.
std::vector<double> levels_of(const Frames& frames) {
  std::vector<double> levels;
  for (std::size_t t = 0; t < frames.size() / kBins; ++t) {
    double power = 0;
    for (const float value : row_of(frames, t).subspan(kHumBins))
      power += std::exp(static_cast<double>(value));
    levels.push_back(power_db(power));
  }
  return levels;
}

using Powers = std::array<double, kBins>;

/// The mean power of each bin in the quietest frames.
Powers room_of(const Frames& frames, const std::vector<double>& levels) {
  const std::size_t count = std::max<std::size_t>(1, levels.size() / kQuietOf);
  std::vector<std::size_t> order(levels.size());
  for (std::size_t t = 0; t < order.size(); ++t) order[t] = t;
  std::ranges::stable_sort(order, std::less(), [&](std::size_t t) { return levels[t]; });
  Powers room{};
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = row_of(frames, order[i]);
    for (std::size_t bin = 0; bin < kBins; ++bin)
      room[bin] += std::exp(static_cast<double>(row[bin])) / static_cast<double>(count);
  }
  return room;
}

double level_of(const Powers& room) {
  double power = 0;
  for (const double bin : std::span(room).subspan(kHumBins)) power += bin;
  return power_db(power);
}

/// Frames [begin, end) that are loud but for short gaps, and their energy.
struct Stretch {
  std::size_t begin, end;
  double energy = 0;
};

std::vector<Stretch> loud_stretches(const std::vector<double>& levels, double least_db) {
  std::vector<Stretch> stretches;
  for (std::size_t t = 0; t < levels.size(); ++t) {
    if (levels[t] < least_db) continue;
    if (stretches.empty() || t - stretches.back().end >= kLongestGap)
      stretches.push_back({.begin = t, .end = t});
    stretches.back().end = t + 1;
    stretches.back().energy += std::pow(10, levels[t] / 10);
  }
  return stretches;
}

Stretch most_energetic(const std::vector<Stretch>& stretches) {
  return *std::ranges::max_element(stretches, {}, &Stretch::energy);
}

void subtract(const Powers& room, Frames& word) {
  for (std::size_t i = 0; i < word.size(); ++i) {
    const double power = std::exp(static_cast<double>(word[i]));
    const double said = std::max(power - kSubtracted * room[i % kBins], kLeft * power);
    word[i] = static_cast<float>(std::log(std::max(said, audio::kMelFloor)));
  }
}

}  // namespace

FoundWord find_word(const Frames& recording) {
  WAKEBUILDER_EXPECT(!recording.empty() && recording.size() % kBins == 0);
  const std::vector<double> levels = levels_of(recording);
  const Powers room = room_of(recording, levels);
  const double loudest = std::ranges::max(levels);
  // Where nothing stands out everything is the word.
  const double above_room = std::min(level_of(room) + kLeastAboveDb, loudest);
  double least = std::max(loudest - kMostBelowDb, above_room);
  const auto stretches = loud_stretches(levels, least);
  Stretch word = most_energetic(stretches);
  while (word.end - word.begin > kLongestWord && least < loudest) {
    least = std::min(loudest, least + kStepDb);
    word = most_energetic(loud_stretches(levels, least));
  }
  const std::size_t begin = word.begin - std::min(word.begin, kKeptBefore);
  const std::size_t end = std::min(levels.size(), word.end + kKeptBehind);
  const auto at = [&](std::size_t t) {
    return recording.begin() + static_cast<std::ptrdiff_t>(t * kBins);
  };
  FoundWord found{.frames = Frames(at(begin), at(end)),
                  .loud_span = stretches.back().end - stretches.front().begin};
  subtract(room, found.frames);
  return found;
}

}  // namespace wakebuilder::corpus
