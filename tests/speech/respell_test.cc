#include "wakebuilder/speech/respell.h"

#include <map>
#include <string>

#include "wakebuilder/speech/installed_voices.h"
#include "wakebuilder/speech/text.h"

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

TEST(Spelling, FollowsTheTableOfEachLanguage) {
  const std::map<std::string, std::pair<std::string, std::string>> expected = {
      // "JH AA R V IH S" and "K AX M P Y UW T ER"
      {"cs", {"džarvis", "kempjúter"}},  {"it", {"giarvis", "chempiuter"}},
      {"ca", {"djarvis", "quempiuter"}}, {"fi", {"tsaarvis", "kempjuuter"}},
      {"ru", {"джарвис", "кэмпютэр"}},   {"hi", {"जार्विस", "कम्प्यूटर"}},
      {"mr", {"जार्विस", "कम्प्यूटर"}},      {"te", {"జార్విస", "కమ్ప్యూటర"}}};
  for (const auto& [language, words] : expected) {
    EXPECT_EQ(spelling(sounds("JH AA R V IH S"), language), words.first) << language;
    EXPECT_EQ(spelling(sounds("K AX M P Y UW T ER"), language), words.second) << language;
  }
  EXPECT_EQ(spelling(sounds("K AX"), "en"), std::nullopt);
}

TEST(Spelling, KeepsHardAndSoftConsonantsApart) {
  EXPECT_EQ(spelling(sounds("K IY G EH CH AA CH IY SH OW SH EY"), "it"), "chigheciaciscioscei");
  EXPECT_EQ(spelling(sounds("G IY G AA K EH K OW"), "ca"), "guigaqueco");
}

TEST(Spelling, IsOfLettersThatTheVoiceReads) {
  for (const char* language : {"cs", "it", "ca", "fi", "ru", "hi", "mr", "te"}) {
    for (std::size_t i = 0; i < kPhonemeCount; ++i) {
      const Pronunciation phonemes = {Phoneme::kB, static_cast<Phoneme>(i), Phoneme::kAA};
      EXPECT_THAT(check_text(*spelling(phonemes, language), language), IsOk()) << language << i;
    }
  }
}

TEST(Mnemonics, AreTheFirstThatTheVoiceHas) {
  EXPECT_THAT(mnemonics(sounds("JH AA R V IH S"), "de"), IsOk());
  EXPECT_EQ(mnemonics(sounds("JH AA R V IH S"), "de").value_or(""), "dZ|A:|r|v|I|s");
  EXPECT_EQ(mnemonics(sounds("JH AA R V IH S"), "es").value_or(""), "dZ|a|R|v|i|s");
  EXPECT_EQ(mnemonics(sounds("T ER"), "es").value_or(""), "t|@R");
  EXPECT_EQ(mnemonics(sounds("Y UW"), "it").value_or(""), "j|u:");
}

TEST(Mnemonics, AskOnceAndSayWhyNot) {
  EXPECT_THAT(mnemonics(sounds("T"), "fi"), IsOk());
  const Programs programs(true);
  EXPECT_THAT(mnemonics(sounds("K"), "fi"), IsOk());
  EXPECT_THAT(mnemonics(sounds("K"), "et"), HasError(ErrorCode::kUnavailable, "espeak-ng"));
}

TEST(EnglishFor, SuitsTheGroupOfTheVoice) {
  const std::vector<Pronunciation> words = {sounds("HH EY"), sounds("JH AA R V IH S")};
  const auto utterance = [&](const char* name) {
    const auto voice = find_voice(name);
    EXPECT_THAT(voice, IsOk());
    return english_for(**voice, "hey jarvis", words).value();
  };
  EXPECT_EQ(utterance("en-us+f1"), Utterance{.text = "hey jarvis"});
  EXPECT_EQ(utterance("slt"), Utterance{.text = "hey jarvis"});
  EXPECT_EQ(utterance("de+m1"), (Utterance{.text = "", .phonemes = "h|eI dZ|A:|r|v|I|s"}));
  const Programs programs;
  programs.add("festival", "printf 'festival 2.5.0\\nczech_ph czech\\nspanish_one spanish\\n'");
  EXPECT_EQ(utterance("czech_ph"), Utterance{.text = "hej džarvis"});
  EXPECT_THAT(english_for(**find_voice("spanish_one"), "hey", words),
              HasError(ErrorCode::kUnsupported, "spanish_one: expected a language with a table"));
}

TEST(EnglishFor, CanBeSaidByEveryLanguageOfTraining) {
  const auto voices =
      installed_voices({.use_flite = false, .use_festival = false, .with_variants = false});
  ASSERT_THAT(voices, IsOk());
  const std::vector<Pronunciation> words = {sounds("JH AA R V IH S")};
  for (const VoicePointer& voice : *voices) {
    const auto utterance = english_for(*voice, "jarvis", words);
    ASSERT_THAT(utterance, IsOk()) << voice->name();
    const Rendering said = voice->say(*utterance);
    ASSERT_THAT(said, IsOk()) << voice->name();
    EXPECT_GT(said->size(), 4000U) << voice->name();
  }
}

}  // namespace
}  // namespace wakebuilder::speech
