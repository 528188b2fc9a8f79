// espeak-ng stays a program of its own (its licence is the GPL), one process per utterance: 20 ms.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <sstream>
#include <utility>

#include "speech/engines.h"
#include "speech/process.h"
#include "speech/sound.h"

namespace wakebuilder::speech {
namespace {

constexpr std::string_view kProgram = "espeak-ng";
constexpr std::chrono::milliseconds kQuestionLimit{10'000};
constexpr double kUsualWordsPerMinute = 175;

// Languages whose voices made a model better (or not worse) when they said English phonemes.
constexpr std::array kTrainingLanguages = std::to_array<std::string_view>(
    {"de", "es", "it", "pt", "pt-br", "fr-fr", "nl", "pl", "cs", "ru", "hi", "tr", "sv", "hu",
     "ro", "el", "fi", "da", "id",    "bg",    "hr", "sk", "ta", "bn", "vi", "sw", "ar"});

// Of espeak-ng's variants those that sound like somebody; the others are croaks and tests.
constexpr std::array kSpeakers = std::to_array<std::string_view>({
    "adam",         "Alex",         "Alicia",      "Andrea",    "Andy",      "Annie",
    "antonio",      "aunty",        "belinda",     "benjamin",  "boris",     "caleb",
    "david",        "Denis",        "Diogo",       "ed",        "edward",    "edward2",
    "Gene",         "Gene2",        "gustave",     "announcer", "Henrique",  "Hugo",
    "iven",         "iven2",        "iven3",       "iven4",     "Jacky",     "john",
    "kaukovalta",   "Lee",          "linda",       "marcelo",   "Marco",     "Mario",
    "max",          "Michael",      "michel",      "miguel",    "Mike",      "Mr",
    "Nguyen",       "pablo",        "paul",        "pedro",     "quincy",    "RicishayMax",
    "RicishayMax2", "RicishayMax3", "rob",         "robert",    "robosoft2", "robosoft4",
    "robosoft6",    "steph",        "steph2",      "steph3",    "Storm",     "Tweaky",
    "zac",          "anika",        "AnxiousAndy", "f1",        "f2",        "f3",
    "f4",           "f5",           "grandma",     "grandpa",   "klatt",     "klatt2",
    "klatt3",       "klatt4",       "klatt5",      "klatt6",    "m1",        "m2",
    "m3",           "m4",           "m5",          "m6",        "m7",        "m8",
    "norbert",      "sandro",       "shelby",      "travis",    "victor",    "whisper",
    "whisperf",
});

bool is_english(std::string_view language) { return language.starts_with("en-"); }

/// -p counts from 0 to 99; 50 steps are an octave, 50 is the usual pitch.
int pitch_steps(double pitch) {
  return std::clamp(static_cast<int>(std::lround(50 + 50 * std::log2(pitch))), 0, 99);
}

class EspeakVoice final : public Voice {
 public:
  EspeakVoice(std::string name, const std::string& language, std::string engine)
      : Voice(std::move(name),
              is_english(language) ? VoiceGroup::kEspeakEnglish : VoiceGroup::kEspeakOther,
              language, std::move(engine)) {}

 private:
  Rendering render(const Utterance& u, std::chrono::milliseconds limit) const override {
    const std::vector<std::string> words = {
        std::string(kProgram),
        "-b",
        "1",
        "-v",
        name(),
        "-p",
        std::to_string(pitch_steps(u.pitch)),
        "-s",
        std::to_string(std::lround(kUsualWordsPerMinute * u.speed)),
        "-g",
        std::to_string(u.word_gap_ms / 10),
        "--stdin",
        "--stdout"};
    const std::string input = u.phonemes.empty() ? harmless(u.text) : "[[" + u.phonemes + "]]";
    WAKEBUILDER_TRY(std::string wav, run_program(words, input, limit));
    return decode(std::move(wav), std::string(kProgram));
  }
};

Result<std::string> ask(std::vector<std::string> options, const std::string& input = {}) {
  options.insert(options.begin(), std::string(kProgram));
  return run_program(options, input, kQuestionLimit);
}

/// "eSpeak NG text-to-speech: 1.51  Data at: ..." -> "espeak-ng 1.51"
Result<std::string> version() {
  WAKEBUILDER_TRY(const std::string answer, ask({"--version"}));
  const std::size_t colon = answer.find(": ");
  std::istringstream rest(colon == std::string::npos ? answer : answer.substr(colon + 1));
  std::string number = "?";
  rest >> number;
  return std::string(kProgram) + " " + number;
}

/// One column of the table that `espeak-ng --voices` prints, without its heading.
std::vector<std::string> column(const std::string& table, int index) {
  std::vector<std::string> found;
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string word;
    for (int i = 0; i <= index; ++i) words >> word;
    if (words && std::find(found.begin(), found.end(), word) == found.end()) found.push_back(word);
  }
  return found;
}

bool is_wanted(const std::string& language, bool every_language) {
  return every_language || is_english(language) ||
         std::find(kTrainingLanguages.begin(), kTrainingLanguages.end(), language) !=
             kTrainingLanguages.end();
}

Result<std::vector<std::string>> languages(bool every_language) {
  WAKEBUILDER_TRY(const std::string table, ask({"--voices"}));
  std::vector<std::string> found = column(table, 1);
  std::erase_if(found, [&](const std::string& x) { return !is_wanted(x, every_language); });
  return found;
}

/// The speakers that this version has; their files are named "!v/adam".
Result<std::vector<std::string>> speakers() {
  WAKEBUILDER_TRY(const std::string table, ask({"--voices=variant"}));
  const std::vector<std::string> files = column(table, 4);
  std::vector<std::string> found;
  for (const std::string_view speaker : kSpeakers) {
    const std::string file = "!v/" + std::string(speaker);
    if (std::find(files.begin(), files.end(), file) != files.end()) found.emplace_back(speaker);
  }
  return found;
}

}  // namespace

std::string harmless(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '[' || c == ']'; }, ' ');
  return text;
}

Result<std::vector<VoicePointer>> espeak_voices(bool with_variants, bool every_language) {
  WAKEBUILDER_TRY(const std::string engine, version());
  WAKEBUILDER_TRY(const std::vector<std::string> bases, languages(every_language));
  std::vector<std::string> variants;
  if (with_variants) {
    WAKEBUILDER_TRY(variants, speakers());
  }
  std::vector<VoicePointer> voices;
  for (const std::string& base : bases) {
    voices.push_back(std::make_shared<EspeakVoice>(base, base, engine));
    for (const std::string& variant : variants)
      voices.push_back(std::make_shared<EspeakVoice>(base + "+" + variant, base, engine));
  }
  return voices;
}

Result<std::string> espeak_phonemes(std::string_view voice, std::vector<std::string> options,
                                    const std::string& text) {
  const std::vector<std::string> usual = {"-b", "1", "-q", "--stdin", "-v", std::string(voice)};
  options.insert(options.begin(), usual.begin(), usual.end());
  return ask(std::move(options), text);
}

}  // namespace wakebuilder::speech
