#include "wakebuilder/speech/voice.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "wakebuilder/core/sha256.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/speech/text.h"

namespace wakebuilder::speech {
namespace {

constexpr std::size_t kMostPhonemes = 400;

tl::unexpected<Error> expected(const std::string& what, const std::string& found) {
  return fail(ErrorCode::kInvalidArgument, "expected " + what + ", found " + found);
}

Result<void> check_factor(std::string_view name, double value, double least, double most) {
  if (value >= least && value <= most) return {};
  return expected(
      std::string(name) + " from " + core::to_text(least) + " to " + core::to_text(most),
      core::to_text(value));
}

Result<void> check_phonemes(std::string_view phonemes) {
  if (phonemes.size() > kMostPhonemes) {
    return expected("at most " + std::to_string(kMostPhonemes) + " characters of phonemes",
                    std::to_string(phonemes.size()));
  }
  const auto* const bad = std::find_if(phonemes.begin(), phonemes.end(), [](char c) {
    return c < ' ' || c > '~' || c == '[' || c == ']';
  });
  if (bad == phonemes.end()) return {};
  return expected("phonemes as espeak-ng writes them", "\"" + core::quote(phonemes) + "\"");
}

Result<void> check_words(const Utterance& utterance, std::string_view language) {
  if (utterance.phonemes.empty()) return check_text(utterance.text, language);
  if (!utterance.text.empty()) return expected("text or phonemes", "both");
  return check_phonemes(utterance.phonemes);
}

}  // namespace

std::string_view to_string(VoiceGroup group) {
  switch (group) {
    case VoiceGroup::kEspeakEnglish:
      return "espeak-english";
    case VoiceGroup::kEspeakOther:
      return "espeak-other";
    case VoiceGroup::kFlite:
      return "flite";
    case VoiceGroup::kFestivalEnglish:
      return "festival-english";
    case VoiceGroup::kFestivalOther:
      return "festival-other";
    case VoiceGroup::kCommand:
      return "command";
  }
  return "?";
}

UtteranceRange usual_range(VoiceGroup group) {
  switch (group) {
    case VoiceGroup::kEspeakEnglish:
    case VoiceGroup::kEspeakOther:  // -p 15 to 85, -s 110 to 230
      return {std::exp2(-0.7), std::exp2(0.7), 110.0 / 175, 230.0 / 175};
    case VoiceGroup::kFlite:  // duration_stretch 0.7 to 1.45
      return {0.75, 1.35, 1 / 1.45, 1 / 0.7};
    case VoiceGroup::kFestivalEnglish:
    case VoiceGroup::kFestivalOther:  // Duration_Stretch 0.7 to 1.35
      return {1, 1, 1 / 1.35, 1 / 0.7};
    case VoiceGroup::kCommand:
      return {};
  }
  return {};
}

Result<void> check_utterance(const Utterance& utterance, std::string_view language) {
  WAKEBUILDER_CHECK(check_factor("pitch", utterance.pitch, 0.5, 2));
  WAKEBUILDER_CHECK(check_factor("intonation", utterance.intonation, 0, 3));
  WAKEBUILDER_CHECK(check_factor("speed", utterance.speed, 0.25, 4));
  WAKEBUILDER_CHECK(check_factor("word_gap_ms", utterance.word_gap_ms, 0, 2000));
  return check_words(utterance, language);
}

Voice::Voice(std::string name, VoiceGroup group, std::string language, std::string engine)
    : name_(std::move(name)),
      group_(group),
      language_(std::move(language)),
      engine_(std::move(engine)) {}

Rendering Voice::say(const Utterance& utterance, std::chrono::milliseconds limit) const {
  const auto check = check_utterance(utterance, language_);
  if (!check) return fail_in(core::quote(name_), check.error());
  Rendering rendering = render(utterance, limit);
  if (!rendering) return fail_in(core::quote(name_), std::move(rendering).error());
  return rendering;
}

std::vector<Rendering> Voice::say_all(std::span<const Utterance> utterances,
                                      std::chrono::milliseconds limit) const {
  std::vector<Rendering> renderings(utterances.size());
  std::vector<Utterance> sound;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < utterances.size(); ++i) {
    const auto check = check_utterance(utterances[i], language_);
    if (!check) {
      renderings[i] = fail_in(core::quote(name_), check.error());
      continue;
    }
    sound.push_back(utterances[i]);
    places.push_back(i);
  }
  std::vector<Rendering> made = render_all(sound, limit);
  for (std::size_t i = 0; i < made.size(); ++i) {
    renderings[places[i]] = std::move(made[i]);
    if (auto& result = renderings[places[i]]; !result)
      result = fail_in(core::quote(name_), Error(result.error()));
  }
  return renderings;
}

std::vector<Rendering> Voice::render_all(std::span<const Utterance> utterances,
                                         std::chrono::milliseconds limit) const {
  std::vector<Rendering> renderings;
  for (const Utterance& utterance : utterances) renderings.push_back(render(utterance, limit));
  return renderings;
}

std::string fingerprint_of(const Voice& voice, const Utterance& u) {
  // Texts have no control characters, so no two utterances have the same lines.
  std::string lines;
  for (const std::string& field :
       {std::string("16 kHz, 16 bits"), voice.engine(), voice.name(), u.text, u.phonemes,
        core::to_text(u.pitch), core::to_text(u.intonation), core::to_text(u.speed),
        std::to_string(u.word_gap_ms)})
    lines += field + "\n";
  return core::sha256_hex(std::as_bytes(std::span(lines)));
}

}  // namespace wakebuilder::speech
