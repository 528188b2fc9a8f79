#include "wakebuilder/speech/phonemes.h"

#include <string>

#include "speech/programs.h"
#include "support/matchers.h"

namespace wakebuilder::speech {
namespace {

using test::HasError;
using test::IsOk;
using test::Programs;

Pronunciation sounds(std::string_view text) {
  auto parsed = parse_pronunciation(text);
  EXPECT_THAT(parsed, IsOk());
  return parsed.value_or(Pronunciation{});
}

std::string said(std::string_view text, std::string_view language = "en-us") {
  const auto phonemes = pronounce(text, language);
  EXPECT_THAT(phonemes, IsOk());
  return phonemes ? to_string(*phonemes) : "";
}

TEST(Phonemes, HaveNamesThatReadBack) {
  for (std::size_t i = 0; i < kPhonemeCount; ++i) {
    const auto phoneme = static_cast<Phoneme>(i);
    EXPECT_EQ(to_phoneme(to_string(phoneme)), phoneme);
  }
  EXPECT_EQ(to_phoneme("aa1"), Phoneme::kAA);
  EXPECT_EQ(to_phoneme("Q"), std::nullopt);
  EXPECT_THAT(parse_pronunciation("K XX"), HasError(ErrorCode::kInvalidArgument, "found \"XX\""));
}

TEST(Phonemes, KnowVowelsAndClasses) {
  EXPECT_TRUE(features(Phoneme::kUW).is_vowel);
  EXPECT_FALSE(features(Phoneme::kB).is_vowel);
  EXPECT_NE(features(Phoneme::kB).classes & features(Phoneme::kP).classes, 0U);
  EXPECT_EQ(features(Phoneme::kB).classes & features(Phoneme::kK).classes, 0U);
}

TEST(Phonemes, CostWhatTheirClassesSay) {
  EXPECT_EQ(substitution_cost(Phoneme::kB, Phoneme::kB), 0);
  EXPECT_EQ(substitution_cost(Phoneme::kB, Phoneme::kP), 0.5);
  EXPECT_EQ(substitution_cost(Phoneme::kB, Phoneme::kK), 1);
  EXPECT_EQ(substitution_cost(Phoneme::kB, Phoneme::kAA), 1.4);
  EXPECT_EQ(substitution_cost(Phoneme::kR, Phoneme::kER), 0.5);  // across the kinds
}

TEST(PhonemeDistance, AddsSubstitutionsAndGaps) {
  EXPECT_EQ(distance(sounds("K AE T"), sounds("K AE T")), 0);
  EXPECT_EQ(distance(sounds("K AE T"), sounds("G AE T")), 0.5);
  EXPECT_DOUBLE_EQ(distance(sounds("K AE T"), sounds("AE T")), 0.8);
  EXPECT_DOUBLE_EQ(distance(sounds("K AE T"), sounds("K AE T S")), 0.8);
  EXPECT_DOUBLE_EQ(distance({}, sounds("K AE T")), 2.4);
  // Two gaps are dearer than one substitution of another kind.
  EXPECT_DOUBLE_EQ(distance(sounds("K AE T"), sounds("K M T")), 1.4);
}

TEST(PhonemeDistance, FindsTheBestStretch) {
  EXPECT_EQ(best_substring_distance(sounds("S K AE T ER"), sounds("K AE T")), 0);
  EXPECT_EQ(best_substring_distance(sounds("S G AE T ER"), sounds("K AE T")), 0.5);
  EXPECT_DOUBLE_EQ(best_substring_distance({}, sounds("K AE T")), 2.4);
  EXPECT_DOUBLE_EQ(best_substring_distance(sounds("K AE"), sounds("K AE T")), 0.8);
}

TEST(Pronounce, ReadsEnglish) {
  EXPECT_EQ(said("computer"), "K AX M P Y UW T ER");
  EXPECT_EQ(said("hey jarvis"), "HH EY JH AA R V IH S");
  EXPECT_EQ(said("button, 12!"), "B AH T AX N T W EH L V");
  EXPECT_EQ(said("[[a]]"), said("a"));
}

TEST(Pronounce, ReadsOtherLanguagesIntoTheSameInventory) {
  EXPECT_EQ(said("Schöner Tag", "de"), "SH ER N ER T AA K");
  EXPECT_EQ(said("алиса", "ru"), "AA L IY S AA");
}

TEST(Pronounce, SaysWhatIsWrongWithTheText) {
  EXPECT_THAT(pronounce("日本"), HasError(ErrorCode::kInvalidArgument, "which is Han"));
  EXPECT_THAT(pronounce("a", "xx"),
              HasError(ErrorCode::kIo, "The specified espeak-ng voice does not exist"));
  const Programs programs(true);
  EXPECT_THAT(pronounce("a"), HasError(ErrorCode::kUnavailable, "espeak-ng: is not installed"));
}

TEST(Pronounce, RejectsAnswersThatAreNoPhonemes) {
  const Programs programs;
  programs.add("espeak-ng", "echo '§'");
  EXPECT_THAT(pronounce("hey"), HasError(ErrorCode::kUnsupported,
                                         "\"hey\": expected signs of the "
                                         "phonetic alphabet, found \"§"));
  programs.add("espeak-ng", "echo");
  EXPECT_THAT(pronounce("hey"), HasError(ErrorCode::kUnsupported, "found none"));
  programs.add("espeak-ng", "kill -KILL $$");
  EXPECT_THAT(pronounce("hey"), HasError(ErrorCode::kIo, "was killed by signal 9"));
}

TEST(Ipa, TakesTheLongestSign) {
  const auto parsed = from_ipa("dʒˈɑːɹ_v_ɪ_s (de)f_ˈaɪɚ");
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(to_string(*parsed), "JH AA R V IH S F AY ER");
}

}  // namespace
}  // namespace wakebuilder::speech
