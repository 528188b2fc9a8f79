// The nearest of a hundred thousand words, by the distance of phonemes: each comparison is a table
// of some 8 x 8 numbers, so all of them take a fraction of a second.
#include "wakebuilder/speech/near_words.h"

#include <algorithm>
#include <set>
#include <utility>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::speech {
namespace {

constexpr std::size_t kPairSide = 25;       // words for each side of a cut,
constexpr std::size_t kMostPairSide = 100;  // and where most of their pairs are too near
constexpr std::size_t kWordSlack = 3;       // phonemes more or less than the wake word
constexpr std::size_t kPartSlack = 1;
constexpr double kMinReplacedDistance = 0.3;  // of the word of a phrase: less is another spelling

struct Scored {
  double distance = 0;
  const SpokenWord* word = nullptr;
};

bool is_nearer(const Scored& a, const Scored& b) {
  return std::pair(a.distance, std::string_view(a.word->text)) <
         std::pair(b.distance, std::string_view(b.word->text));
}

std::size_t difference(std::size_t a, std::size_t b) { return a > b ? a - b : b - a; }

/// Words whose length is within `slack` of the target's, from the nearest on; of those that sound
/// the same the first in the alphabet.
std::vector<Scored> ranked(const Dictionary& dictionary, std::span<const Phoneme> target,
                           std::size_t slack, double least) {
  std::vector<Scored> found;
  for (const SpokenWord& word : dictionary.words()) {
    if (difference(word.phonemes.size(), target.size()) > slack) continue;
    const double d = distance(word.phonemes, target);
    if (d >= least) found.push_back({d, &word});
  }
  std::sort(found.begin(), found.end(), is_nearer);
  std::set<std::span<const Phoneme>, bool (*)(std::span<const Phoneme>, std::span<const Phoneme>)>
      heard([](std::span<const Phoneme> a, std::span<const Phoneme> b) {
        return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
      });
  std::erase_if(found, [&](const Scored& s) { return !heard.insert(s.word->phonemes).second; });
  return found;
}

std::span<const Scored> first(std::span<const Scored> found, std::size_t count) {
  return found.first(std::min(count, found.size()));
}

bool has_vowel(std::span<const Phoneme> phonemes) {
  return std::any_of(phonemes.begin(), phonemes.end(),
                     [](Phoneme p) { return features(p).is_vowel; });
}

/// Every k-th, so that `count` are left and near and far ones are among them.
void thin_out(std::vector<NearWord>& words, std::size_t count) {
  if (words.size() <= count) return;
  for (std::size_t i = 0; i < count; ++i)
    if (const std::size_t from = i * words.size() / count; from != i)
      words[i] = std::move(words[from]);
  words.resize(count);
}

bool comes_first(const NearWord& a, const NearWord& b) {
  return std::pair(a.distance, std::string_view(a.text)) <
         std::pair(b.distance, std::string_view(b.text));
}

class Search {
 public:
  Search(const Dictionary& dictionary, std::span<const SpokenWord> wake_word,
         const NearWordsOptions& options)
      : dictionary_(dictionary),
        wake_word_(wake_word),
        target_(joined(wake_word)),
        options_(options) {
    WAKEBUILDER_EXPECT(!target_.empty());
    // A word of the phrase counts as its part, however near it is to the whole.
    for (const SpokenWord& word : wake_word) taken_.insert(word.text);
  }

  std::vector<NearWord> run() && {
    add_words();
    add_pairs();
    if (wake_word_.size() > 1) add_replacements();
    if (wake_word_.size() > 1) add_parts();
    return std::move(found_);
  }

 private:
  double per_phoneme(double distance) const {
    return distance * static_cast<double>(target_.size());
  }

  bool is_negative(std::span<const Phoneme> phonemes) const {
    return !contains(phonemes, target_, options_.max_contained_distance);
  }

  /// False when it was there already.
  bool add(NearWord word) {
    if (!taken_.insert(word.text).second) return false;
    found_.push_back(std::move(word));
    return true;
  }

  void add_words() {
    std::vector<Scored> words =
        ranked(dictionary_, target_, kWordSlack, per_phoneme(options_.min_word_distance));
    std::erase_if(words, [this](const Scored& s) {
      return !is_negative(s.word->phonemes) || taken_.contains(s.word->text);
    });
    for (const Scored& scored : first(words, options_.words))
      add({scored.word->text, NearKind::kWord, scored.distance});
  }

  /// Where the phonemes can be cut so that either part could be a word.
  std::vector<std::size_t> cuts() const {
    std::vector<std::size_t> places;
    const std::span<const Phoneme> all(target_);
    for (std::size_t i = 2; i + 1 < all.size(); ++i)
      if (has_vowel(all.first(i)) && has_vowel(all.subspan(i))) places.push_back(i);
    return places;
  }

  void add_pairs() {
    const std::vector<std::size_t> places = cuts();
    for (std::size_t i = 0; i < places.size(); ++i) {
      const std::size_t before = i * options_.pairs / places.size();
      const std::size_t share = (i + 1) * options_.pairs / places.size() - before;
      std::vector<NearWord> pairs = pairs_at(places[i], share);
      thin_out(pairs, share);
      for (NearWord& pair : pairs) add(std::move(pair));
    }
  }

  /// At least `wanted` pairs if there are as many, from the nearest on.
  std::vector<NearWord> pairs_at(std::size_t cut, std::size_t wanted) const {
    const std::span<const Phoneme> all(target_);
    const std::vector<Scored> left = ranked(dictionary_, all.first(cut), kPartSlack, 0);
    const std::vector<Scored> right = ranked(dictionary_, all.subspan(cut), kPartSlack, 0);
    std::vector<NearWord> pairs;
    for (std::size_t side = kPairSide; pairs.size() < wanted && side <= kMostPairSide; side *= 2) {
      pairs.clear();
      for (const Scored& a : first(left, side))
        for (const Scored& b : first(right, side)) add_pair(*a.word, *b.word, pairs);
    }
    std::sort(pairs.begin(), pairs.end(), comes_first);
    return pairs;
  }

  void add_pair(const SpokenWord& a, const SpokenWord& b, std::vector<NearWord>& pairs) const {
    const double least = per_phoneme(wake_word_.size() > 1 ? options_.min_word_distance
                                                           : options_.min_pair_distance);
    Pronunciation phonemes = a.phonemes;
    phonemes.insert(phonemes.end(), b.phonemes.begin(), b.phonemes.end());
    const double d = distance(phonemes, target_);
    if (d >= least && is_negative(phonemes))
      pairs.push_back({a.text + " " + b.text, NearKind::kPair, d});
  }

  void add_replacements() {
    for (std::size_t i = 0; i < wake_word_.size(); ++i) {
      std::vector<Scored> words =
          ranked(dictionary_, wake_word_[i].phonemes, kPartSlack, kMinReplacedDistance);
      std::size_t left = options_.replacements;
      for (auto it = words.begin(); it != words.end() && left > 0; ++it)
        if (add_replacement(i, *it->word)) --left;
    }
  }

  bool add_replacement(std::size_t place, const SpokenWord& word) {
    std::vector<SpokenWord> phrase(wake_word_.begin(), wake_word_.end());
    phrase[place] = word;
    const Pronunciation phonemes = joined(phrase);
    const double d = distance(phonemes, target_);
    if (d < per_phoneme(options_.min_word_distance) || !is_negative(phonemes)) return false;
    std::string text;
    for (const SpokenWord& part : phrase) text += (text.empty() ? "" : " ") + part.text;
    return add({std::move(text), NearKind::kReplacement, d});
  }

  void add_parts() {
    for (const SpokenWord& word : wake_word_)
      if (is_negative(word.phonemes))
        found_.push_back({word.text, NearKind::kPart, distance(word.phonemes, target_)});
  }

  const Dictionary& dictionary_;
  std::span<const SpokenWord> wake_word_;
  Pronunciation target_;
  NearWordsOptions options_;
  std::set<std::string> taken_;
  std::vector<NearWord> found_;
};

}  // namespace

bool contains(std::span<const Phoneme> whole, std::span<const Phoneme> wake_word,
              double max_distance) {
  return best_substring_distance(whole, wake_word) <= max_distance;
}

std::vector<NearWord> near_words(const Dictionary& dictionary,
                                 std::span<const SpokenWord> wake_word,
                                 const NearWordsOptions& options) {
  return Search(dictionary, wake_word, options).run();
}

}  // namespace wakebuilder::speech
