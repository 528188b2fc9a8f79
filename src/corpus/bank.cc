#include "wakebuilder/corpus/bank.h"

#include <algorithm>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::corpus {

void Bank::add(Place place) {
  const Piece& piece = place.piece();
  auto& groups = groups_[static_cast<std::size_t>(piece.kind)];
  auto found = std::ranges::find(groups, piece.group, &Group::name);
  if (found == groups.end()) found = groups.insert(groups.end(), {piece.group, {}});
  frames_ += place.frames();
  found->places.push_back(std::move(place));
}

void Bank::add(Kind kind, const std::string& group, std::span<const float> frames,
               const std::string& text) {
  auto one = std::make_shared<Pieces>();
  one->add({.kind = kind, .group = group, .text = text}, frames);
  add({std::move(one), 0});
}

void Bank::set_weight(const std::string& group, double weight) {
  WAKEBUILDER_EXPECT(weight >= 0);
  std::erase_if(weights_, [&](const auto& item) { return item.first == group; });
  weights_.emplace_back(group, weight);
}

std::size_t Bank::count(Kind kind) const {
  std::size_t count = 0;
  for (const Group& group : groups_[static_cast<std::size_t>(kind)]) count += group.places.size();
  return count;
}

double Bank::weight_of(const Group& group) const {
  const auto found =
      std::ranges::find(weights_, group.name, &std::pair<std::string, double>::first);
  return found == weights_.end() ? 1.0 : found->second;
}

const Bank::Group& Bank::draw_group(Kind kind, Random& random) const {
  const auto& groups = groups_[static_cast<std::size_t>(kind)];
  WAKEBUILDER_EXPECT(!groups.empty());
  double all = 0;
  for (const Group& group : groups) all += weight_of(group);
  double left = random.uniform() * all;
  for (const Group& group : groups) {
    left -= weight_of(group);
    if (left < 0) return group;
  }
  return groups.back();
}

const Place& Bank::draw(Kind kind, Random& random) const {
  return random.any_of(draw_group(kind, random).places);
}

}  // namespace wakebuilder::corpus
