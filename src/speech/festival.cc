// festival as a child process. It takes a fifth of a second to start, so it is given many texts at
// once, as a program in its Scheme.
#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <sstream>
#include <utility>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/temporary_folder.h"
#include "wakebuilder/core/text.h"

#include "speech/code_points.h"
#include "speech/engines.h"
#include "speech/process.h"
#include "speech/sound.h"

namespace wakebuilder::speech {
namespace {

constexpr std::string_view kProgram = "festival";
constexpr std::chrono::milliseconds kQuestionLimit{20'000};
constexpr std::chrono::milliseconds kUsualTime{500};  // of one utterance, on a busy machine
constexpr std::size_t kBatch = 30;

enum class Encoding { kLatin1, kLatin2, kUtf8 };

struct Language {
  std::string_view name;  ///< as festival's voices give it, or the start of the voice's name
  std::string_view code;
  Encoding encoding;
};

constexpr std::array kLanguages = std::to_array<Language>({
    {"english", "en-us", Encoding::kLatin1},
    {"britishenglish", "en-gb", Encoding::kLatin1},
    {"americanenglish", "en-us", Encoding::kLatin1},
    {"czech", "cs", Encoding::kLatin2},
    {"italian", "it", Encoding::kLatin1},
    {"catalan", "ca", Encoding::kLatin1},
    {"finnish", "fi", Encoding::kLatin1},
    {"spanish", "es", Encoding::kLatin1},
    {"russian", "ru", Encoding::kUtf8},
    {"hindi", "hi", Encoding::kUtf8},
    {"marathi", "mr", Encoding::kUtf8},
    {"telugu", "te", Encoding::kUtf8},
});

// Voices that do not describe themselves, by the start of their name.
struct Known {
  std::string_view prefix;
  std::string_view language;
};
constexpr std::array kKnown = std::to_array<Known>({
    {"czech_", "czech"},
    {"lp_diphone", "italian"},
    {"pc_diphone", "italian"},
    {"upc_ca_", "catalan"},
    {"suo_fi_", "finnish"},
    {"hy_fi_", "finnish"},
    {"msu_ru_", "russian"},
    {"hindi_", "hindi"},
    {"marathi_", "marathi"},
    {"telugu_", "telugu"},
    {"cmu_us_", "english"},
    {"kal_", "english"},
    {"ked_", "english"},
    {"rab_", "britishenglish"},
});

// The letters of Czech in ISO 8859-2, from 0xA0 on; 0 where it has none.
constexpr std::array kLatin2 = std::to_array<std::pair<char32_t, unsigned char>>({
    {U'Á', 0xC1}, {U'á', 0xE1}, {U'Č', 0xC8}, {U'č', 0xE8}, {U'Ď', 0xCF}, {U'ď', 0xEF},
    {U'É', 0xC9}, {U'é', 0xE9}, {U'Ě', 0xCC}, {U'ě', 0xEC}, {U'Í', 0xCD}, {U'í', 0xED},
    {U'Ň', 0xD2}, {U'ň', 0xF2}, {U'Ó', 0xD3}, {U'ó', 0xF3}, {U'Ř', 0xD8}, {U'ř', 0xF8},
    {U'Š', 0xA9}, {U'š', 0xB9}, {U'Ť', 0xAB}, {U'ť', 0xBB}, {U'Ú', 0xDA}, {U'ú', 0xFA},
    {U'Ů', 0xD9}, {U'ů', 0xF9}, {U'Ý', 0xDD}, {U'ý', 0xFD}, {U'Ž', 0xAE}, {U'ž', 0xBE},
});

std::string encode(const CodePoint& character, Encoding encoding) {
  if (character.value < 0x80 || encoding == Encoding::kUtf8) return std::string(character.bytes);
  if (encoding == Encoding::kLatin1)
    return character.value < 0x100 ? std::string(1, static_cast<char>(character.value)) : "";
  const auto* const found = std::find_if(kLatin2.begin(), kLatin2.end(), [&](const auto& entry) {
    return entry.first == character.value;
  });
  return found == kLatin2.end() ? "" : std::string(1, static_cast<char>(found->second));
}

/// A string of Scheme's. Errors: kUnsupported for a letter that the voice's encoding has not.
Result<std::string> quoted(const std::string& text, Encoding encoding) {
  std::string result = "\"";
  for (const CodePoint& character : code_points(text)) {
    const std::string bytes = encode(character, encoding);
    if (bytes.empty()) {
      return fail(ErrorCode::kUnsupported, "expected letters of the voice's language, found \"" +
                                               std::string(character.bytes) + "\"");
    }
    if (bytes == "\"" || bytes == "\\") result += '\\';
    result += bytes;
  }
  return result + "\"";
}

std::string number(std::size_t i) { return std::to_string(i); }

class FestivalVoice final : public Voice {
 public:
  FestivalVoice(std::string name, const Language& language, std::string engine)
      : Voice(std::move(name),
              language.code.starts_with("en-") ? VoiceGroup::kFestivalEnglish
                                               : VoiceGroup::kFestivalOther,
              std::string(language.code), std::move(engine)),
        encoding_(language.encoding) {}

  std::size_t batch_size() const override { return kBatch; }

 private:
  Rendering render(const Utterance& utterance, std::chrono::milliseconds limit) const override {
    return render_all({&utterance, 1}, limit).front();
  }

  /// Where festival fails, the first that was not said is to blame; those after it are tried anew.
  std::vector<Rendering> render_all(std::span<const Utterance> utterances,
                                    std::chrono::milliseconds limit) const override {
    std::vector<Rendering> renderings;
    while (renderings.size() < utterances.size())
      render_until_failure(utterances.subspan(renderings.size()), limit, renderings);
    return renderings;
  }

  void render_until_failure(std::span<const Utterance> utterances, std::chrono::milliseconds limit,
                            std::vector<Rendering>& renderings) const {
    auto folder = core::TemporaryFolder::make("wakebuilder-speech-");
    if (!folder) {
      renderings.emplace_back(fail(folder.error()));
      return;
    }
    const auto ran = run(utterances, *folder, limit + kUsualTime * utterances.size());
    for (std::size_t i = 0; i < utterances.size(); ++i) {
      const Result<void> can_say = check(utterances[i]);
      renderings.push_back(can_say ? result_of(utterances[i], *folder / (number(i) + ".wav"), ran)
                                   : fail(can_say.error()));
      if (can_say && !ran && !renderings.back()) return;
    }
  }

  /// Runs one program for all of them, each written to its own file.
  Result<void> run(std::span<const Utterance> utterances, const core::TemporaryFolder& folder,
                   std::chrono::milliseconds limit) const {
    // The Czech voices draw their melody by chance, differently at each place of a batch.
    std::string program = "(set! czech-randomize nil)\n(voice_" + name() + ")\n";
    for (std::size_t i = 0; i < utterances.size(); ++i)
      program += statements(utterances[i], folder / (number(i) + ".wav"));
    const auto path = folder / "say.scm";
    WAKEBUILDER_CHECK(core::write_file(path, program));
    return run_program(std::vector<std::string>{std::string(kProgram), "-b", path.string()}, {},
                       limit)
        .map([](const std::string&) {});
  }

  /// What cannot be said leaves the others as they are.
  std::string statements(const Utterance& utterance, const std::filesystem::path& wav) const {
    if (!check(utterance)) return {};
    return "(Parameter.set 'Duration_Stretch " + core::to_text(1 / utterance.speed) +
           ")\n(unwind-protect (utt.save.wave (utt.synth (Utterance Text " +
           *quoted(utterance.text, encoding_) + ")) \"" + wav.string() + "\" 'riff) nil)\n";
  }

  Result<void> check(const Utterance& utterance) const {
    if (utterance.text.empty())
      return fail(ErrorCode::kUnsupported, "festival takes text, not phonemes of espeak-ng");
    return quoted(utterance.text, encoding_).map([](const std::string&) {});
  }

  /// What came before festival failed has been written, and counts.
  static Rendering result_of(const Utterance& utterance, const std::filesystem::path& wav,
                             const Result<void>& ran) {
    auto bytes = core::read_text(wav);
    if (bytes) return decode(*std::move(bytes), std::string(kProgram));
    if (!ran) return fail(ran.error());
    return fail(ErrorCode::kUnsupported,
                "festival cannot say \"" + core::quote(utterance.text) + "\"");
  }

  Encoding encoding_;
};

// "festival 2.5.0:release", then a line for each voice: its name, and its language or nil.
constexpr const char* kQuestion =
    "(begin (format t \"festival %s\\n\" festival_version) (mapcar (lambda (v) (format t \"%s "
    "%s\\n\" v "
    "(cadr (assoc 'language (cadr (voice.description v)))))) (voice.list)))";

std::string_view language_name(std::string_view voice, std::string_view described) {
  for (const Known& known : kKnown)
    if (voice.starts_with(known.prefix)) return known.language;
  return described;
}

const Language* find_language(std::string_view name) {
  const auto* const found =
      std::find_if(kLanguages.begin(), kLanguages.end(),
                   [&](const Language& language) { return language.name == name; });
  return found == kLanguages.end() ? nullptr : found;
}

bool is_symbol(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
}

}  // namespace

Result<std::vector<VoicePointer>> festival_voices() {
  const std::vector<std::string> words = {std::string(kProgram), "-b", kQuestion};
  WAKEBUILDER_TRY(const std::string answer, run_program(words, {}, kQuestionLimit));
  std::vector<VoicePointer> voices;
  std::istringstream lines(answer);
  std::string engine;
  std::getline(lines, engine);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name;
    std::string described;
    fields >> name >> described;
    const Language* language = find_language(language_name(name, described));
    if (is_symbol(name) && language != nullptr)
      voices.push_back(std::make_shared<FestivalVoice>(name, *language, engine));
  }
  std::sort(voices.begin(), voices.end(),
            [](const auto& a, const auto& b) { return a->name() < b->name(); });
  return voices;
}

}  // namespace wakebuilder::speech
