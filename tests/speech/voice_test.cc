#include "wakebuilder/speech/voice.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "wakebuilder/speech/installed_voices.h"

#include "speech/programs.h"
#include "support/matchers.h"

namespace wakebuilder::speech {
namespace {

using std::chrono::milliseconds;
using test::HasError;
using test::IsOk;
using test::Programs;

VoicePointer voice(const std::string& name) {
  auto found = find_voice(name);
  EXPECT_THAT(found, IsOk()) << name;
  return found.value_or(nullptr);
}

VoicePointer command(const std::string& text) {
  auto made = command_voice(text);
  EXPECT_THAT(made, IsOk()) << text;
  return made.value_or(nullptr);
}

std::size_t length(const Rendering& rendering) {
  EXPECT_THAT(rendering, IsOk());
  return rendering ? rendering->size() : 0;
}

/// True when the process is dead within ten seconds; whoever killed it does not wait for it.
bool ends(int process) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    const std::string status = test::read("/proc/" + std::to_string(process) + "/status");
    if (status.empty() || status.find("State:\tZ") != std::string::npos) return true;
    std::this_thread::yield();
  }
  return false;
}

TEST(Voice, EspeakSaysTextAndPhonemes) {
  const VoicePointer adam = voice("en-us+adam");
  EXPECT_EQ(adam->group(), VoiceGroup::kEspeakEnglish);
  EXPECT_EQ(adam->language(), "en-us");
  EXPECT_THAT(adam->engine(), testing::StartsWith("espeak-ng 1."));
  const Rendering text = adam->say({.text = "computer"});
  const Rendering phonemes = adam->say({.text = "", .phonemes = "k@mpj'u:t3"});
  EXPECT_GT(length(text), 8000U);
  EXPECT_EQ(text, phonemes);
  EXPECT_EQ(text, adam->say({.text = "computer"}));
}

TEST(Voice, EspeakFollowsPitchAndSpeed) {
  const VoicePointer voice_of_german = voice("de");
  EXPECT_EQ(voice_of_german->group(), VoiceGroup::kEspeakOther);
  const std::size_t usual = length(voice_of_german->say({.text = "guten Morgen"}));
  EXPECT_LT(length(voice_of_german->say({.text = "guten Morgen", .speed = 1.3})), usual);
  EXPECT_NE(voice_of_german->say({.text = "guten Morgen", .pitch = 1.5}),
            voice_of_german->say({.text = "guten Morgen"}));
}

TEST(Voice, GivesStepsOfSixteenBits) {
  const Rendering said = voice("en-us")->say({.text = "yes"});
  ASSERT_THAT(said, IsOk());
  EXPECT_TRUE(std::all_of(said->begin(), said->end(), [](float x) {
    return std::abs(x) <= 1 && x * 32768 == std::nearbyint(x * 32768);
  }));
}

TEST(Voice, EspeakDoesNotTakeBracketsInTextForPhonemes) {
  const VoicePointer english = voice("en-us");
  EXPECT_NE(english->say({.text = "[[k@mpj'u:t3]]"}), english->say({.text = "computer"}));
}

TEST(Voice, FliteStretchesItsDurations) {
  for (const char* name : {"kal", "kal16", "awb", "rms", "slt"}) {
    const VoicePointer flite = voice(name);
    const std::size_t usual = length(flite->say({.text = "computer"}));
    const std::size_t slow = length(flite->say({.text = "computer", .speed = 0.7}));
    EXPECT_GT(slow, usual * 12 / 10) << name;
    EXPECT_EQ(length(flite->say({.text = "computer"})), usual) << name << ": what was set stays";
  }
}

TEST(Voice, FliteSaysWhatItCannotSay) {
  const VoicePointer slt = voice("slt");
  EXPECT_THAT(slt->say({.text = "", .phonemes = "k@t"}),
              HasError(ErrorCode::kUnsupported, "slt: flite takes text, not phonemes"));
  EXPECT_THAT(slt->say({.text = "café"}),
              HasError(ErrorCode::kUnsupported, "slt: expected English letters, found \"café\""));
}

TEST(Voice, RejectsFactorsOutOfTheirRange) {
  const auto has = [](const char* text) { return HasError(ErrorCode::kInvalidArgument, text); };
  EXPECT_THAT(check_utterance({.text = "a", .pitch = 3}, "en"),
              has("expected pitch from 0.5 to 2, found 3"));
  EXPECT_THAT(check_utterance({.text = "a", .speed = std::nan("")}, "en"), has("speed"));
  EXPECT_THAT(check_utterance({.text = "a", .phonemes = "a"}, "en"),
              has("expected text or phonemes, found both"));
  EXPECT_THAT(check_utterance({.text = "", .phonemes = "a]]b"}, "en"), has("found \"a]]b\""));
}

TEST(Voice, TellsAHangingChildFromAKilledOne) {
  const Programs programs;
  programs.add("hangs", "kill -STOP $$");
  programs.add("dies", "kill -SEGV $$");
  programs.add("fails", "echo first >&2; echo no such voice >&2; exit 3");
  EXPECT_THAT(command("hangs")->say({.text = "a"}, milliseconds(100)),
              HasError(ErrorCode::kIo, "did not finish in 0.1 s"));
  EXPECT_THAT(command("dies")->say({.text = "a"}),
              HasError(ErrorCode::kIo, "was killed by signal 11"));
  EXPECT_THAT(command("fails")->say({.text = "a"}),
              HasError(ErrorCode::kIo, "fails: fails: ended with exit status 3: no such voice"));
}

TEST(Voice, RejectsGarbageAndSilence) {
  const Programs programs;
  programs.add("babbles", "echo this is no sound");
  programs.add("silent", "exit 0");
  programs.add("endless", "exec cat /dev/zero");
  EXPECT_THAT(command("babbles")->say({.text = "a"}), HasError(ErrorCode::kUnsupported, "babbles"));
  EXPECT_FALSE(command("silent")->say({.text = "a"}).has_value());
  EXPECT_THAT(command("endless")->say({.text = "a"}),
              HasError(ErrorCode::kIo, "wrote more than 64 MiB"));
}

TEST(Voice, LeavesNothingOfACommandRunning) {
  const Programs programs;
  programs.add("parent", "sh -c 'kill -STOP $$' & echo $! > \"$1\"; exit 1");
  EXPECT_FALSE(command("parent " + (programs / "child").string())->say({.text = "a"}).has_value());
  const std::string child = test::read(programs / "child");
  ASSERT_FALSE(child.empty());
  EXPECT_TRUE(ends(std::stoi(child)));
}

TEST(Voice, OfAnEspeakThatFailsLaterSaysHow) {
  const VoicePointer english = voice("en-us+f1");
  const Programs programs;
  programs.add("espeak-ng", "kill -STOP $$");
  EXPECT_THAT(english->say({.text = "a"}, milliseconds(100)),
              HasError(ErrorCode::kIo, "en-us+f1: espeak-ng: did not finish in 0.1 s"));
  programs.add("espeak-ng", "kill -KILL $$");
  EXPECT_THAT(english->say({.text = "a"}),
              HasError(ErrorCode::kIo, "en-us+f1: espeak-ng: was killed by signal 9"));
  programs.add("espeak-ng", "printf 'RIFF....WAVEfmt ....'");
  EXPECT_FALSE(english->say({.text = "a"}).has_value());
  const Programs none(true);
  EXPECT_THAT(english->say({.text = "a"}),
              HasError(ErrorCode::kUnavailable, "en-us+f1: espeak-ng: is not installed"));
}

TEST(CommandVoice, FillsTextAndWavIntoSingleArguments) {
  const Programs programs;
  programs.add("speaker",
               "test \"$#\" = 4 && test \"$2\" = 'say: it is; rm -rf {wav}' && "
               "espeak-ng -w \"$4\" \"$2\"");
  const VoicePointer speaker = command("speaker --text 'say: {text}' \"--file\" {wav}");
  EXPECT_EQ(speaker->group(), VoiceGroup::kCommand);
  EXPECT_GT(length(speaker->say({.text = "it is; rm -rf {wav}"})), 8000U);
}

TEST(CommandVoice, GivesTextToStandardInputAndTakesTheWavFromStandardOutput) {
  EXPECT_EQ(command("espeak-ng -v en-us --stdin --stdout")->say({.text = "computer"}),
            voice("en-us")->say({.text = "computer"}));
}

TEST(CommandVoice, RejectsOpenQuotesAndMissingPrograms) {
  EXPECT_THAT(command_voice("piper 'a b"),
              HasError(ErrorCode::kInvalidArgument, "expected a closing quote '"));
  EXPECT_THAT(command_voice("  "), HasError(ErrorCode::kInvalidArgument, "found nothing"));
  EXPECT_THAT(command_voice("no-such-program {text}"),
              HasError(ErrorCode::kUnavailable, "found no \"no-such-program\" in PATH"));
  const Programs programs;
  programs.add("forgets", "exit 0");
  EXPECT_THAT(command("forgets {wav}")->say({.text = "a"}),
              HasError(ErrorCode::kUnsupported, "wrote no file to {wav}"));
}

TEST(InstalledVoices, AreEspeaksTimesItsSpeakersAndFlites) {
  const auto voices = installed_voices({.use_festival = false});
  ASSERT_THAT(voices, IsOk());
  const auto count = [&](VoiceGroup group) {
    return std::count_if(voices->begin(), voices->end(),
                         [=](const VoicePointer& v) { return v->group() == group; });
  };
  EXPECT_GE(count(VoiceGroup::kEspeakEnglish), 8 * 80);
  EXPECT_GE(count(VoiceGroup::kEspeakOther), 20 * 80);
  EXPECT_EQ(count(VoiceGroup::kFlite), 5);
  const auto bases = installed_voices(
      {.use_flite = false, .use_festival = false, .with_variants = false, .every_language = true});
  ASSERT_THAT(bases, IsOk());
  EXPECT_GE(bases->size(), 100U);
}

TEST(InstalledVoices, MissAnEngineWithoutAnError) {
  const Programs programs(true);
  const auto voices = installed_voices();
  ASSERT_THAT(voices, IsOk());
  EXPECT_EQ(voices->size(), 5U);
  EXPECT_THAT(installed_voices({.use_flite = false}),
              HasError(ErrorCode::kUnavailable, "found none: install espeak-ng"));
}

TEST(InstalledVoices, LeaveOutAnEspeakThatAnswersNonsense) {
  const Programs programs;
  for (const char* script :
       {"echo nonsense", "exit 1", "kill -KILL $$", "head -c 4096 /dev/zero"}) {
    programs.add("espeak-ng", script);
    const auto voices = installed_voices({.use_festival = false});
    ASSERT_THAT(voices, IsOk());
    EXPECT_EQ(voices->size(), 5U) << script;
  }
}

// As festival answers, and as it writes: what its program says last names the file.
constexpr const char* kPretendFestival = R"sh(
case "$1 $2" in
  *voice.list*) printf 'festival 2.5.0:release\nkal_diphone english\nczech_ph nil\nodd_voice martian\n' ;;
  *) cp "$2" "${0%/*}/program"
     for wav in $(LC_ALL=C sed -n 's/.*"\(.*[01]\.wav\)".*/\1/p' "$2"); do espeak-ng -w "$wav" computer; done ;;
esac)sh";

TEST(FestivalVoice, SaysManyTextsInOneProcess) {
  const Programs programs;
  programs.add("festival", kPretendFestival);
  const auto voices = installed_voices({.use_espeak = false, .use_flite = false});
  ASSERT_THAT(voices, IsOk());
  ASSERT_EQ(voices->size(), 2U);
  EXPECT_EQ((*voices)[0]->name(), "czech_ph");
  EXPECT_EQ((*voices)[0]->language(), "cs");
  EXPECT_EQ((*voices)[0]->engine(), "festival 2.5.0:release");
  EXPECT_EQ((*voices)[1]->group(), VoiceGroup::kFestivalEnglish);
  const std::vector<Utterance> texts = {{.text = "\"čaj\"", .speed = 0.8},
                                        {.text = "", .phonemes = "a"},
                                        {.text = "日"},
                                        {.text = "ne"}};
  const auto said = (*voices)[0]->say_all(texts);
  ASSERT_EQ(said.size(), 4U);
  EXPECT_THAT(said[0], IsOk());
  EXPECT_THAT(said[1], HasError(ErrorCode::kUnsupported, "czech_ph: festival takes text"));
  EXPECT_THAT(said[2], HasError(ErrorCode::kInvalidArgument, "which is Han"));
  EXPECT_THAT(said[3], HasError(ErrorCode::kUnsupported, "czech_ph: festival cannot say \"ne\""));
  const std::string program = test::read(programs / "program");
  EXPECT_THAT(program, testing::HasSubstr(
                           "(voice_czech_ph)\n(Parameter.set 'Duration_Stretch 1.25)\n"
                           "(unwind-protect (utt.save.wave (utt.synth (Utterance Text \"\\\"\xE8"
                           "aj\\\"\")) "));
}

TEST(FestivalVoice, GoesOnAfterTheTextThatKilledIt) {
  const Programs programs;
  programs.add("festival", R"sh(
case "$2" in
  *voice.list*) printf 'festival 2.5.0\nkal_diphone english\n' ;;
  *) sed -n 's/.*Text "\(.*\)")) "\(.*\.wav\)".*/\1 \2/p' "$2" | while read text wav; do
       test $text = bad && kill -KILL $$
       espeak-ng -w "$wav" "$text"
     done ;;
esac)sh");
  const auto voices = installed_voices({.use_espeak = false, .use_flite = false});
  ASSERT_THAT(voices, IsOk());
  const std::vector<Utterance> texts = {
      {.text = "one"}, {.text = "bad"}, {.text = "two"}, {.text = "bad"}, {.text = "three"}};
  const auto said = (*voices)[0]->say_all(texts);
  ASSERT_EQ(said.size(), 5U);
  for (const std::size_t i : {0U, 2U, 4U}) EXPECT_THAT(said[i], IsOk()) << i;
  for (const std::size_t i : {1U, 3U})
    EXPECT_THAT(said[i], HasError(ErrorCode::kIo, "kal_diphone: festival: was killed by signal 9"));
}

TEST(Fingerprint, DiffersInEveryPart) {
  const auto slt = find_voice("slt");
  const auto rms = find_voice("rms");
  ASSERT_THAT(slt, IsOk());
  ASSERT_THAT(rms, IsOk());
  const std::vector<std::string> all = {fingerprint_of(**slt, {.text = "a"}),
                                        fingerprint_of(**rms, {.text = "a"}),
                                        fingerprint_of(**slt, {.text = "b"}),
                                        fingerprint_of(**slt, {.text = "", .phonemes = "a"}),
                                        fingerprint_of(**slt, {.text = "a", .pitch = 1.1}),
                                        fingerprint_of(**slt, {.text = "a", .intonation = 1.1}),
                                        fingerprint_of(**slt, {.text = "a", .speed = 1.1}),
                                        fingerprint_of(**slt, {.text = "a", .word_gap_ms = 10})};
  EXPECT_EQ(all[0].size(), 64U);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

}  // namespace
}  // namespace wakebuilder::speech
