#include "wakebuilder/speech/installed_voices.h"

#include <iterator>
#include <utility>

#include "wakebuilder/core/text.h"

#include "speech/engines.h"

namespace wakebuilder::speech {
namespace {

void append(std::vector<VoicePointer>& voices, std::vector<VoicePointer> more) {
  voices.insert(voices.end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
}

void append(std::vector<VoicePointer>& voices, Result<std::vector<VoicePointer>> more) {
  if (more) append(voices, *std::move(more));
}

enum class Engine { kFlite, kEspeak, kFestival };

Result<std::vector<VoicePointer>> voices_of(Engine engine) {
  if (engine == Engine::kFlite) return flite_voices();
  return engine == Engine::kEspeak ? espeak_voices(true, true) : festival_voices();
}

}  // namespace

Result<std::vector<VoicePointer>> installed_voices(const VoiceOptions& options) {
  std::vector<VoicePointer> voices;
  if (options.use_espeak)
    append(voices, espeak_voices(options.with_variants, options.every_language));
  if (options.use_flite) append(voices, flite_voices());
  if (options.use_festival) append(voices, festival_voices());
  for (const std::string& command : options.commands) {
    WAKEBUILDER_TRY(VoicePointer voice, command_voice(command));
    voices.push_back(std::move(voice));
  }
  if (!voices.empty()) return voices;
  return fail(ErrorCode::kUnavailable,
              "expected a voice, found none: install espeak-ng (and for more variety festival with "
              "festvox-kallpc16k), or name a program that speaks, as --voice 'piper --model x "
              "--output_file {wav}'");
}

Result<VoicePointer> find_voice(std::string_view name) {
  if (name.find(' ') != std::string_view::npos) return command_voice(name);
  // The quickest to ask first.
  for (const Engine engine : {Engine::kFlite, Engine::kEspeak, Engine::kFestival}) {
    const auto voices = voices_of(engine);
    if (!voices) continue;
    for (const VoicePointer& voice : *voices)
      if (voice->name() == name) return voice;
  }
  return fail(ErrorCode::kNotFound,
              "expected the name of an installed voice, found \"" + core::quote(name) + "\"");
}

}  // namespace wakebuilder::speech
