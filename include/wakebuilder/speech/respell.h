// A pronunciation as voices of other languages can read it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wakebuilder/core/result.h"
#include "wakebuilder/speech/phonemes.h"
#include "wakebuilder/speech/voice.h"

namespace wakebuilder::speech {

/// The phonemes as a spelling of the language: "JH AA R V IH S" is "džarvis" in Czech. For
/// festival's voices, which take text only. Languages: ca, cs, fi, hi, it, mr, ru, te. Nothing for
/// others.
std::optional<std::string> spelling(std::span<const Phoneme> phonemes, std::string_view language);

/// The phonemes in mnemonics of espeak-ng's voice of `language`, each in the first of its forms
/// that this voice has; what it has none for is left out. Which it has is asked once for each
/// language in a process, in 20 ms. Errors: kUnavailable when espeak-ng is not installed; kIo;
/// kUnsupported when nothing is left.
Result<std::string> mnemonics(std::span<const Phoneme> phonemes, std::string_view language);

/// How a voice is given a word of English: its text to English voices and commands, mnemonics to
/// others of espeak-ng, a spelling to others of festival.
/// @param words  what the words of the text sound like
/// Errors: as mnemonics(); kUnsupported for a festival voice of a language without a table.
Result<Utterance> english_for(const Voice& voice, std::string_view text,
                              std::span<const Pronunciation> words);

}  // namespace wakebuilder::speech
