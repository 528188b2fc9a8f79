// Voices, engine by engine.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/speech/voice.h"

namespace wakebuilder::speech {

/// espeak-ng as a child process. Errors: kUnavailable when it is not installed; as run_program().
Result<std::vector<VoicePointer>> espeak_voices(bool with_variants, bool every_language);

/// Text as espeak-ng may get it: without brackets, since "[[" begins phonemes.
std::string harmless(std::string text);

/// What espeak-ng writes for `text` instead of sound, e.g. with "--ipa". Errors: as run_program().
Result<std::string> espeak_phonemes(std::string_view voice, std::vector<std::string> options,
                                    const std::string& text);

/// flite, which is linked.
std::vector<VoicePointer> flite_voices();

/// festival as a child process: what its `(voice.list)` says. Errors: as espeak_voices().
Result<std::vector<VoicePointer>> festival_voices();

}  // namespace wakebuilder::speech
