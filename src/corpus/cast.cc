#include "corpus/cast.h"

#include <cmath>

namespace wakebuilder::corpus {

using speech::VoicePointer;

Cast::Cast(std::span<const VoicePointer> voices, std::uint64_t seed) : random_(seed) {
  for (const VoicePointer& voice : voices)
    groups_[static_cast<std::size_t>(voice->group())].voices.push_back(voice);
  for (Group& group : groups_) shuffle(group.voices);
}

void Cast::shuffle(std::vector<VoicePointer>& voices) {
  for (std::size_t i = voices.size(); i > 1; --i)
    std::swap(voices[i - 1],
              voices[static_cast<std::size_t>(random_.index(static_cast<std::int64_t>(i)))]);
}

VoicePointer Cast::next(Group& group) {
  if (group.turn == group.voices.size()) {
    shuffle(group.voices);
    group.turn = 0;
  }
  return group.voices[group.turn++];
}

VoicePointer Cast::next(const Shares& shares) {
  double all = 0;
  for (const auto& [group, share] : shares) all += has(group) ? share : 0;
  double left = random_.uniform() * all;
  for (const auto& [group, share] : shares) {
    if (!has(group)) continue;
    left -= share;
    if (left < 0) return next(groups_[static_cast<std::size_t>(group)]);
  }
  return nullptr;
}

void Cast::vary(const speech::Voice& voice, speech::Utterance& utterance) {
  const auto range = speech::usual_range(voice.group());
  const auto factor = [&](double least, double most) {
    return least * std::pow(most / least, random_.uniform());
  };
  utterance.pitch = factor(range.min_pitch, range.max_pitch);
  utterance.speed = factor(range.min_speed, range.max_speed);
  constexpr std::array<int, 6> kGapsMs = {0, 0, 0, 0, 100, 250};
  utterance.word_gap_ms = random_.any_of(kGapsMs);
}

}  // namespace wakebuilder::corpus
