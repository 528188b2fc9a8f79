#include "wakebuilder/corpus/bank.h"

#include <algorithm>
#include <cmath>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::corpus {
namespace {

constexpr float kSteps = 1024;

std::int16_t pack(float value) {
  return static_cast<std::int16_t>(std::lround(std::clamp(value * kSteps, -32768.0F, 32767.0F)));
}

}  // namespace

void Bank::add(Kind kind, const std::string& group, std::span<const float> frames) {
  WAKEBUILDER_EXPECT(!frames.empty() && frames.size() % kBins == 0);
  auto& groups = groups_[static_cast<std::size_t>(kind)];
  auto found = std::ranges::find(groups, group, &Group::name);
  if (found == groups.end()) {
    groups.push_back({.name = group, .pieces = {}});
    found = groups.end() - 1;
  }
  const std::size_t begin = values_.size() / kBins;
  std::ranges::transform(frames, std::back_inserter(values_), pack);
  found->pieces.push_back({begin, values_.size() / kBins});
}

void Bank::set_weight(const std::string& group, double weight) {
  WAKEBUILDER_EXPECT(weight >= 0);
  std::erase_if(weights_, [&](const auto& item) { return item.first == group; });
  weights_.emplace_back(group, weight);
}

std::size_t Bank::count(Kind kind) const {
  std::size_t count = 0;
  for (const Group& group : groups_[static_cast<std::size_t>(kind)]) count += group.pieces.size();
  return count;
}

Frames Bank::draw(Kind kind, Random& random) const {
  const auto& groups = groups_[static_cast<std::size_t>(kind)];
  WAKEBUILDER_EXPECT(!groups.empty());
  const auto weight_of = [&](const Group& group) {
    const auto found =
        std::ranges::find(weights_, group.name, &std::pair<std::string, double>::first);
    return found == weights_.end() ? 1.0 : found->second;
  };
  double all = 0;
  for (const Group& group : groups) all += weight_of(group);
  double left = random.uniform() * all;
  const Group* chosen = &groups.back();
  for (const Group& group : groups) {
    left -= weight_of(group);
    if (left >= 0) continue;
    chosen = &group;
    break;
  }
  const Piece& piece = chosen->pieces[static_cast<std::size_t>(
      random.index(static_cast<std::int64_t>(chosen->pieces.size())))];
  Frames frames((piece.end - piece.begin) * kBins);
  const auto values = std::span(values_).subspan(piece.begin * kBins, frames.size());
  std::ranges::transform(values, frames.begin(),
                         [](std::int16_t value) { return static_cast<float>(value) / kSteps; });
  return frames;
}

}  // namespace wakebuilder::corpus
