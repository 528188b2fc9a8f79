#include "wakebuilder/speech/near_words.h"

#include <algorithm>
#include <set>
#include <string>

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::speech {
namespace {

using test::HasError;
using test::IsOk;
using test::TemporaryFolder;
using testing::ElementsAre;

Dictionary dictionary_of(const std::string& text) {
  auto parsed = Dictionary::parse(text);
  EXPECT_THAT(parsed, IsOk());
  return *std::move(parsed);
}

const Dictionary& installed() {
  static const auto loaded = Dictionary::load();
  EXPECT_THAT(loaded, IsOk());
  return *loaded;
}

std::vector<SpokenWord> words_of(const Dictionary& dictionary, std::string_view text) {
  auto words = spoken_words(dictionary, text);
  EXPECT_THAT(words, IsOk());
  return words.value_or(std::vector<SpokenWord>{});
}

std::vector<std::string> texts(const std::vector<NearWord>& words, NearKind kind) {
  std::vector<std::string> found;
  for (const NearWord& word : words)
    if (word.kind == kind) found.push_back(word.text);
  return found;
}

TEST(Dictionary, ReadsFestivalsFormAndTheOther) {
  const Dictionary words = dictionary_of(
      "MNCL\n"
      "(\"computer\" nil (((k ax m) 0) ((p y uw) 1) ((t er) 0)))\n"
      "(\"read\" v (((r iy d) 1)))\n"
      "(\"read\" vbd (((r eh d) 1)))\n"
      ";;; comment\n"
      "CAT  K AE1 T\n"
      "cat(2) K AA T\r\n"
      "o'clock AX K L AA K\n"
      "broken K QQ\n"
      "nothing\n");
  ASSERT_EQ(words.words().size(), 3U);
  ASSERT_NE(words.find("computer"), nullptr);
  EXPECT_EQ(to_string(*words.find("computer")), "K AX M P Y UW T ER");
  EXPECT_EQ(to_string(*words.find("read")), "R IY D");
  EXPECT_EQ(to_string(*words.find("cat")), "K AE T");
  EXPECT_EQ(words.find("dog"), nullptr);
}

TEST(Dictionary, RejectsAFileWithoutWords) {
  const TemporaryFolder folder;
  test::write(folder / "words", "once upon a time\n");
  EXPECT_THAT(
      Dictionary::load(folder / "words"),
      HasError(ErrorCode::kCorrupt, "words: expected words and their phonemes, found none"));
  EXPECT_THAT(Dictionary::load(folder / "none"), HasError(ErrorCode::kNotFound, "none"));
}

TEST(SpokenWords, AreTheDictionarysElseEspeaks) {
  const Dictionary words = dictionary_of("hey HH IY\n");
  const auto spoken = words_of(words, "Hey, Jarvis!");
  ASSERT_EQ(spoken.size(), 2U);
  EXPECT_EQ(spoken[1].text, "jarvis");
  EXPECT_EQ(to_string(joined(spoken)), "HH IY JH AA R V IH S");
  EXPECT_THAT(spoken_words(words, " !"), HasError(ErrorCode::kInvalidArgument, "found none"));
}

TEST(NearWords, DropsWhatIsTooNearOrContainsTheWord) {
  const Dictionary words = dictionary_of(
      "cadre K AE D R IY\n"     // the wake word
      "gadre G AE D R IY\n"     // 0.5 of 5: too near
      "cadres K AE D R IY Z\n"  // contains it
      "gatre G AE T R IY\n"     // 1.0
      "bartle B AA T L IY\n"    // 2.5
      "gatree G AE T R IY\n"    // sounds the same
      "moon M UW N\n");         // far
  const auto near = near_words(words, words_of(words, "cadre"), {.words = 3, .pairs = 0});
  EXPECT_THAT(texts(near, NearKind::kWord), ElementsAre("gatre", "bartle", "moon"));
  EXPECT_DOUBLE_EQ(near[0].distance, 1);
}

TEST(NearWords, MakesPairsAtEachCut) {
  const Dictionary words = dictionary_of(
      "computer K AX M P Y UW T ER\ncom K AA M\npewter P Y UW T ER\nbutter B AH T ER\n"
      "gum G AH M\ngum K AX M\n");
  const auto near = near_words(words, words_of(words, "computer"));
  // "com pewter" is what careful people say: 0.5 of 8 phonemes.
  EXPECT_THAT(texts(near, NearKind::kPair),
              testing::AllOf(testing::Contains("gum butter"),
                             testing::Not(testing::Contains("com pewter"))));
}

TEST(NearWords, OfAPhraseAreItsPartsAndReplacements) {
  const Dictionary words =
      dictionary_of("hey HH EY\nsnowboy S N OW B OY\nyou Y UW\nmay M EY\npony P OW N IY\n");
  const auto near = near_words(words, words_of(words, "hey you snowboy"));
  EXPECT_THAT(texts(near, NearKind::kPart), ElementsAre("hey", "you", "snowboy"));
  EXPECT_THAT(texts(near, NearKind::kReplacement), testing::Contains("hey you pony"));
}

TEST(NearWords, HoldTheirLimitsForEveryWord) {
  for (const char* text : {"computer", "jarvis", "hey jarvis", "snowboy"}) {
    const auto wake_word = words_of(installed(), text);
    const Pronunciation target = joined(wake_word);
    const auto n = static_cast<double>(target.size());
    const auto near = near_words(installed(), wake_word);
    EXPECT_EQ(texts(near, NearKind::kWord).size(), 400U) << text;
    EXPECT_GE(texts(near, NearKind::kPair).size(), 200U) << text;
    std::set<std::string> all;
    for (const NearWord& word : near) {
      all.insert(word.text);
      const Pronunciation heard = joined(words_of(installed(), word.text));
      EXPECT_FALSE(contains(heard, target)) << word.text;
      const bool is_far = word.kind == NearKind::kPair && wake_word.size() == 1;
      EXPECT_GE(distance(heard, target), (is_far ? 0.35 : 0.2) * n) << word.text;
    }
    EXPECT_EQ(all.size(), near.size()) << text;
  }
}

TEST(NearWords, AreTheSameEveryTime) {
  const auto wake_word = words_of(installed(), "computer");
  const auto one = near_words(installed(), wake_word);
  const auto two = near_words(installed(), wake_word);
  ASSERT_EQ(one.size(), two.size());
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].text, two[i].text);
  EXPECT_EQ(one[0].text, "commute");
}

TEST(NearWords, AreRareForATinyDictionary) {
  const Dictionary words = dictionary_of("a1 AA\nby B AY\n");
  EXPECT_TRUE(near_words(words, words_of(words, "by")).empty());
}

}  // namespace
}  // namespace wakebuilder::speech
