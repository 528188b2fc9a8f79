#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "wakebuilder/core/file.h"
#include "wakebuilder/speech/near_words.h"

namespace wakebuilder::speech {
namespace {

namespace fs = std::filesystem;

constexpr std::array kPlaces = std::to_array<std::string_view>({
    "/usr/share/festival/dicts/cmu/cmudict-0.4.out",
    "/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict",
});

constexpr std::size_t kMostLetters = 12;

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

bool is_plain_word(std::string_view word) {
  return word.size() >= 2 && word.size() <= kMostLetters &&
         std::all_of(word.begin(), word.end(), is_letter);
}

/// The next run of characters that are none of `separators`.
std::string_view next(std::string_view& text, std::string_view separators) {
  const std::size_t begin = std::min(text.find_first_not_of(separators), text.size());
  text.remove_prefix(begin);
  const std::string_view found = text.substr(0, text.find_first_of(separators));
  text.remove_prefix(found.size());
  return found;
}

/// Names of phonemes between blanks and parentheses; numbers alone are stress.
std::optional<Pronunciation> phonemes_of(std::string_view text) {
  Pronunciation phonemes;
  for (auto name = next(text, " ()\t\r"); !name.empty(); name = next(text, " ()\t\r")) {
    if (name == "0" || name == "1" || name == "2") continue;
    const auto phoneme = to_phoneme(name);
    if (!phoneme) return std::nullopt;
    phonemes.push_back(*phoneme);
  }
  if (phonemes.empty()) return std::nullopt;
  return phonemes;
}

std::string lower(std::string_view word) {
  std::string result(word);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// ("word" part-of-speech (syllables)), or: word phonemes.
std::optional<SpokenWord> entry(std::string_view line) {
  const bool is_festival = line.starts_with("(\"");
  if (is_festival) line.remove_prefix(2);
  const std::string word = lower(next(line, is_festival ? "\"" : " \t"));
  if (is_festival) next(line, "\" ");
  if (!is_plain_word(word)) return std::nullopt;
  auto phonemes = phonemes_of(line);
  if (!phonemes) return std::nullopt;
  return SpokenWord{word, *std::move(phonemes)};
}

bool comes_before(const SpokenWord& a, std::string_view b) { return a.text < b; }

/// Sorted, the first of each word.
void tidy(std::vector<SpokenWord>& words) {
  const auto by_text = [](const SpokenWord& a, const SpokenWord& b) { return a.text < b.text; };
  std::stable_sort(words.begin(), words.end(), by_text);
  const auto same = [](const SpokenWord& a, const SpokenWord& b) { return a.text == b.text; };
  words.erase(std::unique(words.begin(), words.end(), same), words.end());
}

/// What is between blanks, without other signs than letters, digits and apostrophes at its ends.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  for (auto word = next(text, " "); !word.empty(); word = next(text, " ")) {
    const auto is_sign = [](char c) {
      return static_cast<unsigned char>(c) < 0x80U &&
             std::isalnum(static_cast<unsigned char>(c)) == 0;
    };
    while (!word.empty() && is_sign(word.front())) word.remove_prefix(1);
    while (!word.empty() && is_sign(word.back())) word.remove_suffix(1);
    if (!word.empty()) words.push_back(lower(word));
  }
  return words;
}

}  // namespace

Result<Dictionary> Dictionary::load() {
  std::error_code error;
  for (const std::string_view place : kPlaces)
    if (fs::exists(place, error)) return load(fs::path(place));
  return fail(ErrorCode::kUnavailable,
              "expected a dictionary of pronunciations, found none: install festlex-cmu");
}

Result<Dictionary> Dictionary::load(const fs::path& path) {
  WAKEBUILDER_TRY(const std::string text, core::read_text(path));
  auto parsed = parse(text);
  if (!parsed) return fail_in(core::shown(path), std::move(parsed).error());
  return parsed;
}

Result<Dictionary> Dictionary::parse(std::string_view text) {
  std::vector<SpokenWord> words;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    if (auto word = entry(text.substr(0, size))) words.push_back(*std::move(word));
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  if (words.empty())
    return fail(ErrorCode::kCorrupt, "expected words and their phonemes, found none");
  tidy(words);
  return Dictionary(std::move(words));
}

const Pronunciation* Dictionary::find(std::string_view word) const {
  const auto found = std::lower_bound(words_.begin(), words_.end(), word, comes_before);
  return found != words_.end() && found->text == word ? &found->phonemes : nullptr;
}

Result<std::vector<SpokenWord>> spoken_words(const Dictionary& dictionary, std::string_view text) {
  std::vector<SpokenWord> words;
  for (const std::string& word : split(text)) {
    if (const Pronunciation* known = dictionary.find(word)) {
      words.push_back({word, *known});
      continue;
    }
    WAKEBUILDER_TRY(Pronunciation phonemes, pronounce(word));
    words.push_back({word, std::move(phonemes)});
  }
  if (!words.empty()) return words;
  return fail(ErrorCode::kInvalidArgument, "expected words, found none");
}

Pronunciation joined(std::span<const SpokenWord> words) {
  Pronunciation all;
  for (const SpokenWord& word : words)
    all.insert(all.end(), word.phonemes.begin(), word.phonemes.end());
  return all;
}

}  // namespace wakebuilder::speech
