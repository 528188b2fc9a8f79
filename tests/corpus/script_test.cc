#include "wakebuilder/corpus/script.h"

#include <algorithm>
#include <map>
#include <set>

#include "wakebuilder/corpus/rendering.h"
#include "wakebuilder/speech/installed_voices.h"

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::corpus {
namespace {

using test::HasError;
using test::IsOk;

std::vector<speech::VoicePointer> voices(std::initializer_list<const char*> names) {
  std::vector<speech::VoicePointer> found;
  for (const char* name : names) {
    auto voice = speech::find_voice(name);
    EXPECT_THAT(voice, IsOk()) << name;
    if (voice) found.push_back(*std::move(voice));
  }
  return found;
}

const speech::Dictionary& dictionary() {
  static const auto loaded = speech::Dictionary::load();
  return loaded.value();
}

Script jarvis_script(const WordScriptOptions& options) {
  const auto words = speech::spoken_words(dictionary(), "jarvis").value();
  auto script =
      word_script("jarvis", words, dictionary(), voices({"slt", "kal", "en-us", "de"}), options);
  EXPECT_THAT(script, IsOk());
  return script.value_or(Script());
}

std::size_t count(const Script& script, Kind kind) {
  return static_cast<std::size_t>(
      std::ranges::count(script, kind, [](const Line& line) { return line.piece.kind; }));
}

TEST(WordScript, HasAsManyLinesAsWereWanted) {
  const Script script = jarvis_script({.words = 40, .phrases = 12, .near_words = 30});
  EXPECT_EQ(count(script, Kind::kWord), 40U);
  EXPECT_EQ(count(script, Kind::kPhrase), 12U);
  EXPECT_EQ(count(script, Kind::kNear), 30U);
}

TEST(WordScript, SaysTheWordInAllPhrasesAndInNoSoundAlike) {
  for (const Line& line : jarvis_script({.words = 5, .phrases = 30, .near_words = 100})) {
    const bool says_it = (" " + line.piece.text + " ").find("jarvis") != std::string::npos;
    EXPECT_EQ(says_it, line.piece.kind != Kind::kNear) << line.piece.text;
  }
}

TEST(WordScript, IsTheSameForASeedAndAnotherForAnother) {
  const auto same = [](const Script& a, const Script& b) {
    return std::ranges::equal(a, b, [](const Line& x, const Line& y) {
      return x.job.voice->name() == y.job.voice->name() && x.job.utterance == y.job.utterance;
    });
  };
  const Script first = jarvis_script({.words = 20, .phrases = 5, .near_words = 20, .seed = 3});
  EXPECT_TRUE(same(first, jarvis_script({20, 5, 20, 3})));
  EXPECT_FALSE(same(first, jarvis_script({20, 5, 20, 4})));
}

TEST(WordScript, GivesVoicesOfOtherLanguagesPhonemes) {
  const auto words = speech::spoken_words(dictionary(), "jarvis").value();
  const auto script = word_script("jarvis", words, dictionary(), voices({"de"}), {.words = 3});
  ASSERT_THAT(script, IsOk());
  EXPECT_TRUE((*script)[0].job.utterance.text.empty());
  EXPECT_FALSE((*script)[0].job.utterance.phonemes.empty());
}

TEST(CommonScript, SaysDigitsAndWordsThatLieFarApart) {
  const Script script =
      common_script(dictionary(), voices({"slt", "de"}),
                    {.running = 10, .pseudo = 5, .isolated_words = 30, .isolated_times = 2});
  std::set<std::string> words;
  for (const Line& line : script)
    if (line.piece.kind == Kind::kIsolated) words.insert(line.piece.text);
  EXPECT_EQ(words.size(), 30U);
  EXPECT_EQ(words.count("seven"), 1U);
  const auto sound = [](const std::string& word) { return *dictionary().find(word); };
  for (auto a = words.begin(); a != words.end(); ++a)
    for (auto b = std::next(a); b != words.end(); ++b)
      EXPECT_GT(speech::distance(sound(*a), sound(*b)), 1) << *a << " " << *b;
}

TEST(CommonScript, LeavesOutWhatSoundsLikeTheWakeWord) {
  const auto wake_word = *dictionary().find("computer");
  const auto is_out = [&](const char* text) {
    return sounds_like({.kind = Kind::kRunning, .group = {}, .text = text}, dictionary(),
                       wake_word);
  };
  EXPECT_TRUE(is_out("restart the computer, please"));
  EXPECT_TRUE(is_out("these computers are slow"));
  EXPECT_FALSE(is_out("restart the machine, please"));
  EXPECT_TRUE(is_out("/K AX M P Y UW T ER, B IY/"));
  EXPECT_FALSE(is_out("/B AA, T IY/"));
}

// ---- rendering ----

TEST(Render, MakesPiecesInTheOrderOfTheScript) {
  const Script script = jarvis_script({.words = 6, .phrases = 2, .near_words = 2});
  const auto rendered = render(script);
  ASSERT_THAT(rendered, IsOk());
  ASSERT_EQ(rendered->parts.size(), 1U);
  const Pieces& pieces = *rendered->parts[0];
  ASSERT_EQ(pieces.size() + rendered->failed, script.size());
  EXPECT_EQ(pieces[0].text, "jarvis");
  EXPECT_GT(pieces.frames(0), 20U);
  EXPECT_LT(pieces.frames(0), 200U);
}

TEST(Render, SaysNothingAgainThatIsInTheCache) {
  const test::TemporaryFolder cache;
  const Script script = jarvis_script({.words = 6, .phrases = 0, .near_words = 2});
  std::size_t said = 0;
  const auto again = [&] {
    return render(script, {.cache = cache.path(), .on_clip = [&](const auto&, auto) { ++said; }});
  };
  const auto first = again();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(said, first->parts[0]->size());
  const auto second = again();
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(said, first->parts[0]->size()) << "was said twice";
  EXPECT_EQ(second->parts[0]->unpack(3), first->parts[0]->unpack(3));
}

TEST(Render, StopsWhenAskedAndKeepsNothingHalf) {
  const test::TemporaryFolder cache;
  const Script script = jarvis_script({.words = 30, .phrases = 0, .near_words = 0});
  std::size_t asked = 0;
  const auto rendered = render(
      script, {.threads = 1, .cache = cache.path(), .is_stopped = [&] { return ++asked > 3; }});
  EXPECT_THAT(rendered, HasError(ErrorCode::kIo, "stopped"));
  EXPECT_TRUE(cache.names().empty());
}

TEST(Render, OfAVoiceThatFailsIsAnErrorWithItsReason) {
  Script script = jarvis_script({.words = 2, .phrases = 0, .near_words = 0});
  for (Line& line : script) line.job.voice = speech::command_voice("false {text}").value();
  EXPECT_THAT(render(script), HasError(ErrorCode::kUnavailable, "no voice said anything"));
}

}  // namespace
}  // namespace wakebuilder::corpus
