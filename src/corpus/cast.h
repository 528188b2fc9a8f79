// The voices of a script, by group.
#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/corpus/random.h"
#include "wakebuilder/speech/voice.h"

namespace wakebuilder::corpus {

inline constexpr std::size_t kVoiceGroups = 6;

/// A share for each group of voices that may speak.
using Shares = std::vector<std::pair<speech::VoiceGroup, double>>;

/// Chooses who speaks. Within a group everybody has a turn, in a shuffled order, before anybody has
/// the next.
class Cast {
 public:
  Cast(std::span<const speech::VoicePointer> voices, std::uint64_t seed);

  bool has(speech::VoiceGroup group) const { return !members(group).empty(); }

  /// The next voice of a group that is drawn by these shares; null when none of them has voices.
  speech::VoicePointer next(const Shares& shares);

  /// Pitch, speed and pauses as people of this group vary.
  void vary(const speech::Voice& voice, speech::Utterance& utterance);

  Random& random() { return random_; }

 private:
  struct Group {
    std::vector<speech::VoicePointer> voices;
    std::size_t turn = 0;
  };
  const std::vector<speech::VoicePointer>& members(speech::VoiceGroup group) const {
    return groups_[static_cast<std::size_t>(group)].voices;
  }
  speech::VoicePointer next(Group& group);
  void shuffle(std::vector<speech::VoicePointer>& voices);

  std::array<Group, kVoiceGroups> groups_;
  Random random_;
};

}  // namespace wakebuilder::corpus
