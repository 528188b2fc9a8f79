// Text, phonemes as espeak-ng answers them, and a dictionary, from the same bytes.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wakebuilder/speech/near_words.h"
#include "wakebuilder/speech/phonemes.h"
#include "wakebuilder/speech/respell.h"
#include "wakebuilder/speech/text.h"
#include "wakebuilder/speech/voice.h"

namespace {

namespace speech = wakebuilder::speech;

void require(bool condition) {
  if (!condition) std::abort();
}

void try_phonemes(std::string_view text) {
  const auto phonemes = speech::from_ipa(text);
  require(phonemes || !phonemes.error().message.empty());
  if (!phonemes) return;
  const auto again = speech::parse_pronunciation(speech::to_string(*phonemes));
  require(again == phonemes);
  require(speech::best_substring_distance(*phonemes, *phonemes) == 0);
  for (const char* language : {"cs", "it", "ca", "fi", "ru", "hi", "te"}) {
    const auto spelling = speech::spelling(*phonemes, language);
    require(spelling.has_value());
    // Nothing is left of "h" in Italian; a long word is too long.
    if (!spelling->empty() && spelling->size() <= speech::kMaxCharacters)
      require(speech::check_text(*spelling, language).has_value());
  }
}

void try_dictionary(std::string_view text) {
  const auto dictionary = speech::Dictionary::parse(text);
  if (!dictionary) return;
  const auto& word = dictionary->words().front();
  require(dictionary->find(word.text) == &word.phonemes);
  if (word.phonemes.size() <= 20 && dictionary->words().size() <= 50)
    static_cast<void>(speech::near_words(*dictionary, dictionary->words().first(1)));
}

}  // namespace

// The name is libFuzzer's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto checked = speech::check_text(text, "");
  require(checked || !checked.error().message.empty());
  static_cast<void>(speech::check_utterance({.text = "", .phonemes = std::string(text)}, "de"));
  try_phonemes(text);
  try_dictionary(text);
  return 0;
}
