#include "wakebuilder/corpus/script.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include "wakebuilder/core/expect.h"
#include "wakebuilder/speech/respell.h"

#include "corpus/cast.h"
#include "corpus/texts.h"

namespace wakebuilder::corpus {
namespace {

using speech::Phoneme;
using speech::Pronunciation;
using speech::SpokenWord;
using speech::VoiceGroup;

// ---- who says how much ----

constexpr double kCommandShare = 0.25;  ///< a voice that the user named, beside all others

const Shares kWordShares = {
    {VoiceGroup::kEspeakEnglish, 0.375}, {VoiceGroup::kEspeakOther, 0.27},
    {VoiceGroup::kFlite, 0.135},         {VoiceGroup::kFestivalEnglish, 0.04},
    {VoiceGroup::kFestivalOther, 0.18},  {VoiceGroup::kCommand, kCommandShare}};
const Shares kNearShares = {{VoiceGroup::kEspeakEnglish, 0.55},
                            {VoiceGroup::kEspeakOther, 0.10},
                            {VoiceGroup::kFlite, 0.25},
                            {VoiceGroup::kFestivalEnglish, 0.10},
                            {VoiceGroup::kCommand, kCommandShare}};
const Shares kPhraseShares = {{VoiceGroup::kEspeakEnglish, 0.55},
                              {VoiceGroup::kFlite, 0.30},
                              {VoiceGroup::kFestivalEnglish, 0.15},
                              {VoiceGroup::kCommand, kCommandShare}};
const Shares kRunningShares = {{VoiceGroup::kEspeakEnglish, 0.50},
                               {VoiceGroup::kEspeakOther, 0.10},
                               {VoiceGroup::kFlite, 0.25},
                               {VoiceGroup::kFestivalEnglish, 0.15},
                               {VoiceGroup::kCommand, kCommandShare}};
const Shares kPseudoShares = {{VoiceGroup::kEspeakOther, 0.2}, {VoiceGroup::kFestivalOther, 0.8}};
const Shares kIsolatedShares = {
    {VoiceGroup::kEspeakEnglish, 0.48}, {VoiceGroup::kEspeakOther, 0.16},
    {VoiceGroup::kFlite, 0.22},         {VoiceGroup::kFestivalEnglish, 0.04},
    {VoiceGroup::kFestivalOther, 0.10}, {VoiceGroup::kCommand, kCommandShare}};

// ---- helpers ----

/// Text of a piece whose words do not exist: "/K AA T, B IY/".
constexpr char kPhonemeMark = '/';

std::vector<Pronunciation> pronunciations(std::span<const SpokenWord> words) {
  std::vector<Pronunciation> found;
  for (const SpokenWord& word : words) found.push_back(word.phonemes);
  return found;
}

/// What is said, in letters and in phonemes.
struct Text {
  std::string letters;
  std::vector<Pronunciation> words;
};

/// Lines of one script.
class Writer {
 public:
  Writer(std::span<const speech::VoicePointer> voices, std::uint64_t seed) : cast_(voices, seed) {
    WAKEBUILDER_EXPECT(!voices.empty());
  }

  /// Adds a line; false when the voice cannot be given the text, or nobody may say it.
  /// @param spelled  with the marks that change the melody; "" is the text itself
  bool say(Kind kind, const Text& text, const Shares& shares, const std::string& spelled = {}) {
    const auto voice = cast_.next(shares);
    if (!voice) return false;
    auto utterance =
        speech::english_for(*voice, spelled.empty() ? text.letters : spelled, text.words);
    if (!utterance) return false;
    cast_.vary(*voice, *utterance);
    script_.push_back({.piece = {.kind = kind,
                                 .group = std::string(speech::to_string(voice->group())),
                                 .text = text.letters},
                       .job = {.voice = voice, .utterance = *std::move(utterance)}});
    return true;
  }

  Random& random() { return cast_.random(); }
  bool has_voice_of(const Shares& shares) {
    return std::ranges::any_of(shares, [&](const auto& item) { return cast_.has(item.first); });
  }
  Script finish() { return std::move(script_); }

 private:
  Cast cast_;
  Script script_;
};

// ---- the wake word ----

/// The melody of a word at the end of a statement, a question, a call; most often none of these.
std::string with_end(const std::string& text, Random& random) {
  constexpr auto kEnds = std::to_array<std::string_view>({"", "", "", "", "", "", "?", "!", "."});
  return text + std::string(random.any_of(kEnds));
}

/// A phrase around the wake word, as its words.
struct Phrase {
  std::string before, behind;
  bool comma = false;
};

Phrase draw_phrase(Random& random) {
  const auto form = random.index(5);
  Phrase phrase{.before = {}, .behind = {}, .comma = form == 1 || form == 3};
  if (form <= 1 || form == 4) phrase.before = random.any_of(kBefore);
  if (form >= 2) phrase.behind = random.any_of(kCommands);
  return phrase;
}

std::string joined(const Phrase& phrase, const std::string& word) {
  const std::string between = phrase.comma ? ", " : " ";
  const std::string front = phrase.before.empty() ? "" : phrase.before + between;
  return front + word + (phrase.behind.empty() ? "" : between + phrase.behind);
}

// ---- running speech ----

std::string draw_words(const speech::Dictionary& dictionary, std::int64_t count, double frequent,
                       Random& random) {
  std::string text;
  for (std::int64_t i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    text += random.chance(frequent) ? std::string(random.any_of(kFrequentWords))
                                    : random.any_of(dictionary.words()).text;
  }
  return text;
}

std::string draw_sentence(const speech::Dictionary& dictionary, Random& random) {
  const double draw = random.uniform();
  if (draw < 0.4) return std::string(random.any_of(kSentences));
  if (draw < 0.7) return draw_words(dictionary, random.integer(1, 5), 0, random);
  return draw_words(dictionary, random.integer(3, 9), 0.6, random);
}

/// One to three syllables that nobody has ever said.
Pronunciation draw_pseudo_word(Random& random) {
  using enum Phoneme;
  constexpr auto kOnsets = std::to_array<Phoneme>(
      {kB, kCH, kD, kF, kG, kHH, kJH, kK, kL, kM, kN, kP, kR, kS, kSH, kT, kV, kY, kZ});
  constexpr auto kVowels =
      std::to_array<Phoneme>({kAA, kEH, kIH, kAO, kUH, kIY, kUW, kAY, kEY, kOW, kAE});
  constexpr auto kCodas = std::to_array<Phoneme>({kS, kR, kN, kK, kT});
  Pronunciation word;
  for (std::int64_t left = random.integer(1, 3); left > 0; --left) {
    word.push_back(random.any_of(kOnsets));
    word.push_back(random.any_of(kVowels));
  }
  if (random.chance(0.6)) word.push_back(random.any_of(kCodas));
  return word;
}

Text draw_pseudo_text(Random& random) {
  Text text;
  for (std::int64_t left = random.integer(1, 4); left > 0; --left) {
    text.words.push_back(draw_pseudo_word(random));
    text.letters += (text.letters.empty() ? "" : ", ") + speech::to_string(text.words.back());
  }
  text.letters = kPhonemeMark + text.letters + kPhonemeMark;
  return text;
}

Text spoken(const speech::Dictionary& dictionary, const std::string& letters) {
  const auto words = speech::spoken_words(dictionary, letters);
  return {letters, words ? pronunciations(*words) : std::vector<Pronunciation>()};
}

// ---- single words ----

bool is_far_from_all(const SpokenWord& word, std::span<const SpokenWord> others) {
  constexpr double kLeastDistance = 0.35;  // per phoneme
  const double least = kLeastDistance * static_cast<double>(word.phonemes.size());
  return std::ranges::all_of(others, [&](const SpokenWord& other) {
    return speech::distance(word.phonemes, other.phonemes) > least;
  });
}

/// Digits, and words that lie far from one another: what a single word of a few syllables is like.
std::vector<SpokenWord> isolated_words(const speech::Dictionary& dictionary, std::size_t count,
                                       Random& random) {
  std::vector<SpokenWord> chosen;
  for (const std::string_view digit : kDigits) {
    const Pronunciation* phonemes = dictionary.find(digit);
    if (phonemes != nullptr && chosen.size() < count)
      chosen.push_back({std::string(digit), *phonemes});
  }
  std::vector<const SpokenWord*> pool;
  for (const SpokenWord& word : dictionary.words()) {
    const auto within = [](std::size_t size, std::size_t least, std::size_t most) {
      return size >= least && size <= most;
    };
    if (within(word.phonemes.size(), 4, 8) && within(word.text.size(), 4, 10))
      pool.push_back(&word);
  }
  for (std::size_t i = pool.size(); i > 0 && chosen.size() < count; --i) {
    const auto at = static_cast<std::size_t>(random.index(static_cast<std::int64_t>(i)));
    std::swap(pool[i - 1], pool[at]);
    if (is_far_from_all(*pool[i - 1], chosen)) chosen.push_back(*pool[i - 1]);
  }
  return chosen;
}

/// What a piece says; nothing for words that are not known.
std::optional<Pronunciation> phonemes_of(const Piece& piece, const speech::Dictionary& dictionary) {
  Pronunciation all;
  if (piece.text.starts_with(kPhonemeMark)) {
    std::string names = piece.text.substr(1, piece.text.size() - 2);
    std::erase(names, ',');
    const auto parsed = speech::parse_pronunciation(names);
    return parsed ? std::optional(*parsed) : std::nullopt;
  }
  std::string letters = piece.text;
  std::erase_if(letters, [](char c) { return c == ',' || c == '.' || c == '?' || c == '!'; });
  std::istringstream words(letters);
  for (std::string word; words >> word;) {
    const Pronunciation* found = dictionary.find(word);
    if (found == nullptr) return std::nullopt;
    all.insert(all.end(), found->begin(), found->end());
  }
  return all;
}

}  // namespace

Result<Script> word_script(const std::string& text, std::span<const SpokenWord> wake_word,
                           const speech::Dictionary& dictionary,
                           std::span<const speech::VoicePointer> voices,
                           const WordScriptOptions& options) {
  Writer writer(voices, options.seed);
  const Text word = {text, pronunciations(wake_word)};
  std::size_t said = 0;
  for (std::size_t i = 0; i < options.words; ++i)
    said += writer.say(Kind::kWord, word, kWordShares, with_end(text, writer.random())) ? 1U : 0U;
  if (said == 0) {
    return fail(ErrorCode::kUnavailable, "expected a voice that can say \"" + text +
                                             "\", found none among " +
                                             std::to_string(voices.size()));
  }
  for (std::size_t i = 0; i < options.phrases; ++i) {
    const Phrase phrase = draw_phrase(writer.random());
    writer.say(Kind::kPhrase, {joined(phrase, text), word.words}, kPhraseShares);
  }
  const auto near = speech::near_words(dictionary, wake_word);
  for (std::size_t i = 0; i < options.near_words && !near.empty(); ++i)
    writer.say(Kind::kNear, spoken(dictionary, near[i % near.size()].text), kNearShares);
  return writer.finish();
}

Script common_script(const speech::Dictionary& dictionary,
                     std::span<const speech::VoicePointer> voices,
                     const CommonScriptOptions& options) {
  Writer writer(voices, options.seed);
  for (std::size_t i = 0; i < options.running; ++i)
    writer.say(Kind::kRunning, spoken(dictionary, draw_sentence(dictionary, writer.random())),
               kRunningShares);
  for (std::size_t i = 0; i < options.pseudo; ++i)
    writer.say(Kind::kRunning, draw_pseudo_text(writer.random()), kPseudoShares);
  for (const SpokenWord& word : isolated_words(dictionary, options.isolated_words, writer.random()))
    for (std::size_t i = 0; i < options.isolated_times; ++i)
      writer.say(Kind::kIsolated, {word.text, {word.phonemes}}, kIsolatedShares);
  return writer.finish();
}

bool sounds_like(const Piece& piece, const speech::Dictionary& dictionary,
                 std::span<const Phoneme> wake_word) {
  const auto phonemes = phonemes_of(piece, dictionary);
  const double limit =
      std::max(0.55, speech::kCarefulDistance * static_cast<double>(wake_word.size()));
  return phonemes && speech::contains(*phonemes, wake_word, limit);
}

double usual_weight(VoiceGroup group) {
  switch (group) {
    case VoiceGroup::kEspeakEnglish:
      return 0.40;
    case VoiceGroup::kEspeakOther:
      return 0.10;
    case VoiceGroup::kFlite:
      return 0.27;
    case VoiceGroup::kFestivalEnglish:
      return 0.13;
    case VoiceGroup::kFestivalOther:
      return 0.10;
    case VoiceGroup::kCommand:
      return 0.40;
  }
  return 1;
}

}  // namespace wakebuilder::corpus
