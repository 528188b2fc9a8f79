#include "wakebuilder/speech/phonemes.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "wakebuilder/core/text.h"
#include "wakebuilder/speech/text.h"

#include "speech/engines.h"

namespace wakebuilder::speech {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, kPhonemeCount> kNames = {
    "AA", "AE", "AH", "AO", "AW", "AX", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY",
    "UH", "UW", "B",  "CH", "D",  "DH", "F",  "G",  "HH", "JH", "K",  "L",  "M",  "N",
    "NG", "P",  "R",  "S",  "SH", "T",  "TH", "V",  "W",  "Y",  "Z",  "ZH"};
constexpr std::size_t kVowels = 16;

// Found by ear and measured in training; each name stands between blanks.
constexpr std::array kClasses = std::to_array<std::string_view>({
    " JH CH ZH Y D SH Z ",
    " V B F W DH ",
    " S Z SH TH ",
    " P B ",
    " T D TH DH ",
    " K G ",
    " M N NG ",
    " IH AH AX IY EH ER ",
    " AA AO AE AH AX AW AY ",
    " UW UH OW AO AX AH ",
    " EY EH AY IY ",
    " OY AY OW ",
    " R L W ER ",
});

constexpr std::size_t index(Phoneme phoneme) { return static_cast<std::size_t>(phoneme); }

using ClassTable = std::array<std::uint32_t, kPhonemeCount>;
ClassTable make_class_table() {
  ClassTable table{};
  for (std::size_t i = 0; i < kPhonemeCount; ++i) {
    const std::string name = " " + std::string(kNames[i]) + " ";
    for (std::size_t c = 0; c < kClasses.size(); ++c)
      if (kClasses[c].find(name) != std::string_view::npos) table[i] |= 1U << c;
  }
  return table;
}

using CostTable = std::array<std::array<double, kPhonemeCount>, kPhonemeCount>;
CostTable make_cost_table() {
  const ClassTable classes = make_class_table();
  CostTable table{};
  for (std::size_t a = 0; a < kPhonemeCount; ++a) {
    for (std::size_t b = 0; b < kPhonemeCount; ++b) {
      const bool same_kind = (a < kVowels) == (b < kVowels);
      table[a][b] = a == b ? 0 : (classes[a] & classes[b]) != 0 ? 0.5 : same_kind ? 1 : 1.4;
    }
  }
  return table;
}

const CostTable& costs() {
  static const CostTable kTable = make_cost_table();
  return kTable;
}

/// The last row of the table of edit distances, of `a` so far to each beginning of `b`.
class EditRow {
 public:
  explicit EditRow(std::span<const Phoneme> b) : b_(b), row_(b.size() + 1) {
    for (std::size_t j = 0; j < row_.size(); ++j) row_[j] = kGapCost * static_cast<double>(j);
  }

  /// @param first  the distance of `a` with this phoneme to nothing
  void add(Phoneme phoneme, double first) {
    const auto& cost = costs()[index(phoneme)];
    double diagonal = std::exchange(row_[0], first);
    for (std::size_t j = 0; j < b_.size(); ++j) {
      const double best =
          std::min(std::min(row_[j + 1], row_[j]) + kGapCost, diagonal + cost[index(b_[j])]);
      diagonal = std::exchange(row_[j + 1], best);
    }
  }

  double first() const { return row_.front(); }
  double last() const { return row_.back(); }

 private:
  std::span<const Phoneme> b_;
  std::vector<double> row_;
};

struct Sound {
  std::string_view ipa;
  std::string_view phonemes;  ///< separated by blanks
};

// Signs of the IPA as espeak-ng writes them, with the nearest of the inventory. English first; of
// two that fit, the longer is taken. Length marks are left out on both sides.
constexpr std::array kSounds = std::to_array<Sound>({
    {"ɑ", "AA"},
    {"ɑɹ", "AA R"},
    {"æ", "AE"},
    {"a", "AA"},
    {"ʌ", "AH"},
    {"ɐ", "AX"},
    {"ə", "AX"},
    {"əl", "AX L"},
    {"ɚ", "ER"},
    {"ɜ", "ER"},
    {"ɝ", "ER"},
    {"ɔ", "AO"},
    {"ɔɹ", "AO R"},
    {"oɹ", "AO R"},
    {"o", "OW"},
    {"oʊ", "OW"},
    {"əʊ", "OW"},
    {"ɒ", "AA"},
    {"ɔɪ", "OY"},
    {"aɪ", "AY"},
    {"aɪɚ", "AY ER"},
    {"aɪə", "AY AX"},
    {"aʊ", "AW"},
    {"aʊɚ", "AW ER"},
    {"ɛ", "EH"},
    {"e", "EH"},
    {"eɪ", "EY"},
    {"ɛɹ", "EH R"},
    {"eə", "EH R"},
    {"ɪ", "IH"},
    {"ᵻ", "IH"},
    {"ɪɹ", "IH R"},
    {"iə", "IY AX"},
    {"ɪə", "IH R"},
    {"i", "IY"},
    {"ʊ", "UH"},
    {"ʊɹ", "UH R"},
    {"ʊə", "UH R"},
    {"u", "UW"},
    {"b", "B"},
    {"tʃ", "CH"},
    {"d", "D"},
    {"ð", "DH"},
    {"f", "F"},
    {"ɡ", "G"},
    {"g", "G"},
    {"h", "HH"},
    {"dʒ", "JH"},
    {"k", "K"},
    {"l", "L"},
    {"ɫ", "L"},
    {"m", "M"},
    {"n", "N"},
    {"ŋ", "NG"},
    {"p", "P"},
    {"ɹ", "R"},
    {"r", "R"},
    {"ɾ", "T"},
    {"s", "S"},
    {"ʃ", "SH"},
    {"t", "T"},
    {"θ", "TH"},
    {"v", "V"},
    {"w", "W"},
    {"j", "Y"},
    {"z", "Z"},
    {"ʒ", "ZH"},
    {"ʔ", "T"},
    {"n̩", "AX N"},
    {"l̩", "AX L"},
    {"m̩", "AX M"},
    {"ɹ̩", "ER"},
    {"r̩", "ER"},
    // Other languages.
    {"ø", "ER"},
    {"œ", "ER"},
    {"ɵ", "ER"},
    {"y", "UW"},
    {"ʏ", "UH"},
    {"ɨ", "IH"},
    {"ʉ", "UW"},
    {"ɯ", "UH"},
    {"ɤ", "AH"},
    {"ɘ", "AX"},
    {"ɛɪ", "EY"},
    {"ei", "EY"},
    {"ai", "AY"},
    {"au", "AW"},
    {"ou", "OW"},
    {"oi", "OY"},
    {"ɔø", "OY"},
    {"ɔʏ", "OY"},
    {"x", "HH"},
    {"χ", "HH"},
    {"ç", "SH"},
    {"ɦ", "HH"},
    {"ħ", "HH"},
    {"ɣ", "G"},
    {"ʁ", "R"},
    {"ʀ", "R"},
    {"ɽ", "R"},
    {"ɻ", "R"},
    {"ɭ", "L"},
    {"ʎ", "L Y"},
    {"ɬ", "L"},
    {"ɲ", "N Y"},
    {"ɳ", "N"},
    {"ɱ", "M"},
    {"ɕ", "SH"},
    {"ʂ", "SH"},
    {"ʑ", "ZH"},
    {"ʐ", "ZH"},
    {"ts", "T S"},
    {"dz", "D Z"},
    {"tɕ", "CH"},
    {"dʑ", "JH"},
    {"tʂ", "CH"},
    {"dʐ", "JH"},
    {"pf", "P F"},
    {"β", "V"},
    {"ʋ", "V"},
    {"ɸ", "F"},
    {"ɟ", "G"},
    {"c", "K"},
    {"q", "K"},
    {"ʈ", "T"},
    {"ɖ", "D"},
    {"ɥ", "W"},
    {"ɰ", "W"},
    {"ʝ", "Y"},
    {"ʕ", "AX"},
});

/// Signs that change nothing here: stress, length, aspiration, palatalisation, nasality, ties, and
/// what espeak-ng puts between and around sounds.
constexpr std::array kIgnored = std::to_array<std::string_view>(
    {"ˈ",      "ˌ",      "ː",      "ˑ",      "_",      " ",      "\n",     "\r",     "ʰ",
     "ʲ",      "ʷ",      "ˤ",      "ˠ",      "\u0303", "\u0361", "\u032A", "\u0325", "\u031D",
     "\u031E", "\u0306", "\u032F", "\u0329", "\u030D", "\u200D", "-",      "'",      "!",
     "ʼ",      "|",      ":",      ";",      "1",      "2",      "3",      "4",      "5",
     "6",      "7",      "˥",      "˦",      "˧",      "˨",      "˩"});

/// "(de)" and "(en)" around words that espeak-ng takes from another language.
bool skip_language_mark(std::string_view& ipa) {
  if (!ipa.starts_with("(")) return false;
  const std::size_t end = ipa.find(')');
  ipa.remove_prefix(end == std::string_view::npos ? ipa.size() : end + 1);
  return true;
}

const Sound* longest_sound(std::string_view ipa) {
  const Sound* best = nullptr;
  for (const Sound& sound : kSounds)
    if (ipa.starts_with(sound.ipa) && (best == nullptr || sound.ipa.size() > best->ipa.size()))
      best = &sound;
  return best;
}

bool skip_ignored(std::string_view& ipa) {
  for (const std::string_view sign : kIgnored) {
    if (!ipa.starts_with(sign)) continue;
    ipa.remove_prefix(sign.size());
    return true;
  }
  return skip_language_mark(ipa);
}

/// Length says nothing to the inventory, but stands between the parts of a diphthong.
std::string without_length(std::string_view ipa) {
  std::string result(ipa);
  for (const std::string_view mark : {std::string_view("ː"), std::string_view("ˑ")}) {
    for (std::size_t at = result.find(mark); at != std::string::npos; at = result.find(mark, at))
      result.erase(at, mark.size());
  }
  return result;
}

std::string_view next_word(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace

PhonemeFeatures features(Phoneme phoneme) {
  static const ClassTable kTable = make_class_table();
  return {index(phoneme) < kVowels, kTable[index(phoneme)]};
}

std::string_view to_string(Phoneme phoneme) { return kNames[index(phoneme)]; }

std::string to_string(std::span<const Phoneme> pronunciation) {
  std::string text;
  for (const Phoneme phoneme : pronunciation) {
    if (!text.empty()) text += ' ';
    text += to_string(phoneme);
  }
  return text;
}

std::optional<Phoneme> to_phoneme(std::string_view name) {
  if (!name.empty() && name.back() >= '0' && name.back() <= '2') name.remove_suffix(1);
  std::string upper(name);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const auto* const found = std::find(kNames.begin(), kNames.end(), upper);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Phoneme>(found - kNames.begin());
}

Result<Pronunciation> parse_pronunciation(std::string_view text) {
  Pronunciation phonemes;
  for (std::string_view word = next_word(text); !word.empty(); word = next_word(text)) {
    const auto phoneme = to_phoneme(word);
    if (!phoneme) {
      return fail(ErrorCode::kInvalidArgument,
                  "expected phonemes as \"JH AA R V IH S\", found \"" + core::quote(word) + "\"");
    }
    phonemes.push_back(*phoneme);
  }
  return phonemes;
}

Result<Pronunciation> from_ipa(std::string_view ipa) {
  const std::string text = without_length(ipa);
  std::string_view rest = text;
  Pronunciation phonemes;
  while (!rest.empty()) {
    if (const Sound* sound = longest_sound(rest)) {
      WAKEBUILDER_TRY(const Pronunciation more, parse_pronunciation(sound->phonemes));
      phonemes.insert(phonemes.end(), more.begin(), more.end());
      rest.remove_prefix(sound->ipa.size());
    } else if (!skip_ignored(rest)) {
      return fail(ErrorCode::kUnsupported, "expected signs of the phonetic alphabet, found \"" +
                                               core::quote(rest, 8) + "\" in \"" +
                                               core::quote(ipa) + "\"");
    }
  }
  if (phonemes.empty()) return fail(ErrorCode::kUnsupported, "expected phonemes, found none");
  return phonemes;
}

Result<Pronunciation> pronounce(std::string_view text, std::string_view language) {
  WAKEBUILDER_CHECK(check_text(text, language));
  WAKEBUILDER_TRY(const std::string ipa,
                  espeak_phonemes(language, {"--ipa", "--sep=_"}, harmless(std::string(text))));
  auto phonemes = from_ipa(ipa);
  if (!phonemes) return fail_in("\"" + core::quote(text) + "\"", std::move(phonemes).error());
  return phonemes;
}

double substitution_cost(Phoneme a, Phoneme b) { return costs()[index(a)][index(b)]; }

double distance(std::span<const Phoneme> a, std::span<const Phoneme> b) {
  EditRow row(b);
  for (const Phoneme phoneme : a) row.add(phoneme, row.first() + kGapCost);
  return row.last();
}

double best_substring_distance(std::span<const Phoneme> whole, std::span<const Phoneme> word) {
  EditRow row(word);
  double best = row.last();
  for (const Phoneme phoneme : whole) {
    row.add(phoneme, 0);
    best = std::min(best, row.last());
  }
  return best;
}

}  // namespace wakebuilder::speech
