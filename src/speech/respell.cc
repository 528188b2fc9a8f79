#include "wakebuilder/speech/respell.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "wakebuilder/core/text.h"

#include "speech/code_points.h"
#include "speech/engines.h"
#include "speech/respell_tables.h"

namespace wakebuilder::speech {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream{std::string(text)};
  for (std::string part; std::getline(stream, part, separator);)
    if (!part.empty()) parts.push_back(std::move(part));
  return parts;
}

std::size_t index(Phoneme phoneme) { return static_cast<std::size_t>(phoneme); }

/// "a b c d": a becomes b, and c becomes d.
void replace_all(std::string& text, std::string_view table) {
  const std::vector<std::string> words = split(table, ' ');
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    std::size_t at = text.find(words[i]);
    for (; at != std::string::npos; at = text.find(words[i], at + words[i + 1].size()))
      text.replace(at, words[i].size(), words[i + 1]);
  }
}

bool is_front(std::string_view letters) {
  return letters.starts_with('e') || letters.starts_with('i');
}

/// The letters of a phoneme before others.
std::string letters_before(const Alphabet& alphabet, Phoneme phoneme, std::string_view next) {
  if (is_front(next)) {
    const std::vector<std::string> words = split(alphabet.before_front, ' ');
    for (std::size_t i = 0; i + 1 < words.size(); i += 2)
      if (words[i] == to_string(phoneme)) return words[i + 1];
  }
  return std::string(alphabet.letters[index(phoneme)]);
}

std::string in_alphabet(const Alphabet& alphabet, std::span<const Phoneme> phonemes) {
  std::string text;
  for (std::size_t i = phonemes.size(); i-- > 0;)
    text.insert(0, letters_before(alphabet, phonemes[i], text));
  replace_all(text, alphabet.contractions);
  return text;
}

std::string in_devanagari(std::span<const Phoneme> phonemes) {
  std::string text;
  bool is_open = false;  // the last letter is a consonant that still has its own vowel
  for (const Phoneme phoneme : phonemes) {
    const IndicLetters& letters = kDevanagari[index(phoneme)];
    const bool is_vowel = features(phoneme).is_vowel;
    if (is_open) text += is_vowel ? letters.sign : kVirama;
    if (!is_open || !is_vowel) text += letters.letter;
    text += letters.tail;
    is_open = !is_vowel || !letters.tail.empty();
  }
  return text;
}

std::string utf8(char32_t c) {  // of the blocks of India: three bytes
  std::string bytes(3, '\0');
  bytes[0] = static_cast<char>(0xE0U | (c >> 12U));
  bytes[1] = static_cast<char>(0x80U | ((c >> 6U) & 0x3FU));
  bytes[2] = static_cast<char>(0x80U | (c & 0x3FU));
  return bytes;
}

std::string in_script(const IndicScript& script, std::span<const Phoneme> phonemes) {
  std::string text = in_devanagari(phonemes);
  replace_all(text, script.replacements);
  std::string moved;
  for (const CodePoint& c : code_points(text)) moved += utf8(c.value + script.offset);
  return moved;
}

/// All single phonemes that occur in the table of mnemonics.
const std::vector<std::string>& all_mnemonics() {
  static const std::vector<std::string> kAll = [] {
    std::set<std::string> found;
    for (const MnemonicForms& entry : kMnemonicForms)
      for (const std::string& form : split(entry.forms, ' '))
        for (std::string& part : split(form, '|')) found.insert(std::move(part));
    return std::vector<std::string>(found.begin(), found.end());
  }();
  return kAll;
}

bool is_vowel_mnemonic(const std::string& mnemonic) {
  return std::string_view("aAeEiIoOuUV@30").find(mnemonic[0]) != std::string_view::npos;
}

/// Without stress, and in lower case: Italian writes its u as U.
std::string simplified(std::string text) {
  std::erase_if(text, [](char c) { return c == '\'' || c == ',' || c == ' ' || c == '\r'; });
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// Asks a voice which of the mnemonics it has: those that it does not know it does not write. One
/// process for all of them, a paragraph for each; a consonant needs a vowel to be said.
Result<std::set<std::string>> ask_inventory(std::string_view language) {
  std::string question;
  for (const std::string& mnemonic : all_mnemonics())
    question += "[[" + mnemonic + (is_vowel_mnemonic(mnemonic) ? "" : "|a") + "]]\n\n";
  WAKEBUILDER_TRY(const std::string answer, espeak_phonemes(language, {"-x"}, question));
  std::istringstream lines(answer);
  std::set<std::string> known;
  std::string line;
  for (const std::string& mnemonic : all_mnemonics()) {
    if (!std::getline(lines, line)) break;
    if (simplified(line).starts_with(simplified(mnemonic))) known.insert(mnemonic);
  }
  return known;
}

/// Asked once for each language.
Result<std::set<std::string>> inventory(std::string_view language) {
  static std::mutex mutex;
  static std::map<std::string, std::set<std::string>, std::less<>> asked;
  const std::lock_guard lock(mutex);
  if (const auto found = asked.find(language); found != asked.end()) return found->second;
  WAKEBUILDER_TRY(std::set<std::string> known, ask_inventory(language));
  if (known.empty()) return known;  // perhaps it answers the next time
  return asked.emplace(language, std::move(known)).first->second;
}

/// The first form whose phonemes are all known, without its bars; or nothing.
std::string first_known(std::string_view forms, const std::set<std::string>& known) {
  for (const std::string& form : split(forms, ' ')) {
    const std::vector<std::string> parts = split(form, '|');
    const bool has_all = std::all_of(parts.begin(), parts.end(),
                                     [&](const std::string& part) { return known.contains(part); });
    if (!has_all) continue;
    std::string text;
    for (const std::string& part : parts) text += part;
    return text;
  }
  return {};
}

Result<Utterance> spelled(const Voice& voice, std::span<const Pronunciation> words) {
  std::string text;
  for (const Pronunciation& word : words) {
    const auto letters = spelling(word, voice.language());
    if (!letters) {
      return fail(ErrorCode::kUnsupported,
                  core::quote(voice.name()) + ": expected a language with a " +
                      "table of spellings, found " + core::quote(voice.language()));
    }
    text += (text.empty() ? "" : " ") + *letters;
  }
  return Utterance{.text = text};
}

Result<Utterance> in_mnemonics(const Voice& voice, std::span<const Pronunciation> words) {
  std::string phonemes;
  for (const Pronunciation& word : words) {
    WAKEBUILDER_TRY(const std::string said, mnemonics(word, voice.language()));
    phonemes += (phonemes.empty() ? "" : " ") + said;
  }
  return Utterance{.text = "", .phonemes = phonemes};
}

}  // namespace

std::optional<std::string> spelling(std::span<const Phoneme> phonemes, std::string_view language) {
  for (const Alphabet& alphabet : kAlphabets)
    if (alphabet.language == language) return in_alphabet(alphabet, phonemes);
  for (const IndicScript& script : kIndicScripts)
    if (script.language == language) return in_script(script, phonemes);
  return std::nullopt;
}

Result<std::string> mnemonics(std::span<const Phoneme> phonemes, std::string_view language) {
  WAKEBUILDER_TRY(const std::set<std::string> known, inventory(language));
  std::string text;
  for (const Phoneme phoneme : phonemes) {
    const std::string form = first_known(kMnemonicForms[index(phoneme)].forms, known);
    if (!form.empty()) text += (text.empty() ? "" : "|") + form;
  }
  if (!text.empty()) return text;
  return fail(ErrorCode::kUnsupported, "espeak-ng's " + core::quote(language) +
                                           " has no phoneme of \"" + to_string(phonemes) + "\"");
}

Result<Utterance> english_for(const Voice& voice, std::string_view text,
                              std::span<const Pronunciation> words) {
  if (voice.group() == VoiceGroup::kEspeakOther) return in_mnemonics(voice, words);
  if (voice.group() == VoiceGroup::kFestivalOther) return spelled(voice, words);
  return Utterance{.text = std::string(text)};
}

}  // namespace wakebuilder::speech
