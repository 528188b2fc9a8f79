// Words that sound like the wake word: what a detector must learn to refuse.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/speech/phonemes.h"

namespace wakebuilder::speech {

/// A word and what it sounds like.
struct SpokenWord {
  std::string text;  ///< lower case
  Pronunciation phonemes;
};

/// A dictionary of English pronunciations.
class Dictionary {
 public:
  /// The CMU dictionary of this machine: that of festival (Debian's festlex-cmu), else that of
  /// pocketsphinx-en-us. Errors: kUnavailable when there is none, with what to install.
  static Result<Dictionary> load();

  /// A file of lines as `computer  K AH0 M P Y UW1 T ER0` or, festival's,
  /// `("computer" nil (((k ax m) 0) ((p y uw) 1) ((t er) 0)))`. Of words with several
  /// pronunciations the first is taken; words of other letters than a to z, of one letter or more
  /// than 12, and lines that are no entry are left out. Errors: kNotFound, kIo; kCorrupt for a file
  /// without any word.
  static Result<Dictionary> load(const std::filesystem::path& path);

  /// The same from memory. Errors: kCorrupt.
  static Result<Dictionary> parse(std::string_view text);

  /// In the order of the alphabet.
  std::span<const SpokenWord> words() const { return words_; }

  /// Nothing (null) when it is not there. @param word  lower case
  const Pronunciation* find(std::string_view word) const;

 private:
  explicit Dictionary(std::vector<SpokenWord> words) : words_(std::move(words)) {}
  std::vector<SpokenWord> words_;
};

/// The words of a text, each as the dictionary says it, or else espeak-ng. Errors: as pronounce().
Result<std::vector<SpokenWord>> spoken_words(const Dictionary& dictionary, std::string_view text);

/// All phonemes of several words.
Pronunciation joined(std::span<const SpokenWord> words);

enum class NearKind {
  kWord,         ///< one word of the dictionary
  kPair,         ///< two words, each near to one part of the wake word
  kReplacement,  ///< a phrase with one of its words replaced by one that is near
  kPart,         ///< one word of a phrase alone
};

struct NearWord {
  std::string text;
  NearKind kind = NearKind::kWord;
  double distance = 0;  ///< to the whole wake word
};

/// What is nearer to the wake word, per phoneme of it, sounds like careful people saying it.
inline constexpr double kCarefulDistance = 0.2;

struct NearWordsOptions {
  std::size_t words = 400;
  std::size_t pairs = 240;
  std::size_t replacements = 80;  ///< for each word of a phrase
  /// What is nearer, per phoneme of the wake word, is no negative.
  double min_word_distance = kCarefulDistance;
  double min_pair_distance = 0.35;       ///< for a phrase it is min_word_distance
  double max_contained_distance = 0.55;  ///< as contains()
};

/// True when `whole` holds something that sounds like the wake word: then it is no negative.
bool contains(std::span<const Phoneme> whole, std::span<const Phoneme> wake_word,
              double max_distance = 0.55);

/// Sound-alikes of a wake word, words first, each kind from the nearest on; the same every time.
/// Of words that sound the same there is one.
/// @pre the wake word has at least one phoneme
std::vector<NearWord> near_words(const Dictionary& dictionary,
                                 std::span<const SpokenWord> wake_word,
                                 const NearWordsOptions& options = {});

}  // namespace wakebuilder::speech
