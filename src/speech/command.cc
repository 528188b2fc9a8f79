// A program of the user as a voice.
#include <memory>
#include <optional>
#include <utility>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/spawn.h"
#include "wakebuilder/core/temporary_folder.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/speech/installed_voices.h"

#include "speech/process.h"
#include "speech/sound.h"

namespace wakebuilder::speech {
namespace {

constexpr std::string_view kText = "{text}";
constexpr std::string_view kWav = "{wav}";

/// Splits as POSIX's shell does where nothing is expanded.
class Splitter {
 public:
  static Result<std::vector<std::string>> split(std::string_view command) {
    Splitter splitter;
    for (const char c : command) splitter.take(c);
    return std::move(splitter).words(command);
  }

 private:
  void take(char c) {
    if (is_escaped_) {
      add(c);
      is_escaped_ = false;
    } else if (c == '\\' && quote_ != '\'') {
      is_escaped_ = true;
    } else if (quote_ != 0) {
      take_quoted(c);
    } else if (c == '\'' || c == '"') {
      quote_ = c;
      add_nothing();
    } else if (c == ' ' || c == '\t' || c == '\n') {
      end_word();
    } else {
      add(c);
    }
  }

  void take_quoted(char c) {
    if (c == quote_)
      quote_ = 0;
    else
      add(c);
  }

  void add_nothing() {
    if (!word_) word_.emplace();
  }
  void add(char c) {
    add_nothing();
    word_->push_back(c);
  }
  void end_word() {
    if (word_) words_.push_back(*std::exchange(word_, std::nullopt));
  }

  Result<std::vector<std::string>> words(std::string_view command) && {
    if (quote_ != 0 || is_escaped_) {
      return fail(ErrorCode::kInvalidArgument,
                  "voice \"" + core::quote(command) + "\": expected a closing " +
                      (is_escaped_ ? "character after \\" : std::string("quote ") + quote_));
    }
    end_word();
    if (words_.empty() || words_[0].empty())
      return fail(ErrorCode::kInvalidArgument, "expected a program as voice, found nothing");
    return std::move(words_);
  }

  std::vector<std::string> words_;
  std::optional<std::string> word_;
  char quote_ = 0;
  bool is_escaped_ = false;
};

/// One pass from left to right, so that nothing in the text is replaced.
std::string filled(std::string_view word, std::string_view text, std::string_view wav) {
  std::string result;
  while (!word.empty()) {
    const bool is_text = word.starts_with(kText);
    const bool is_wav = word.starts_with(kWav);
    result += is_text ? text : is_wav ? wav : word.substr(0, 1);
    word.remove_prefix(is_text ? kText.size() : is_wav ? kWav.size() : 1);
  }
  return result;
}

class CommandVoice final : public Voice {
 public:
  CommandVoice(const std::string& command, std::vector<std::string> words)
      : Voice(command, VoiceGroup::kCommand, "", command), words_(std::move(words)) {}

 private:
  Rendering render(const Utterance& u, std::chrono::milliseconds limit) const override {
    if (!u.phonemes.empty())
      return fail(ErrorCode::kUnsupported, "a command takes text, not phonemes of espeak-ng");
    WAKEBUILDER_TRY(const auto folder, core::TemporaryFolder::make("wakebuilder-speech-"));
    const std::string wav = (folder / "said.wav").string();
    std::vector<std::string> words;
    for (const std::string& word : words_) words.push_back(filled(word, u.text, wav));
    const std::string input = has(kText) ? "" : u.text + "\n";
    WAKEBUILDER_TRY(std::string output, run_program(words, input, limit));
    if (!has(kWav)) return decode(std::move(output), core::shown(words_[0]));
    auto written = core::read_text(wav);
    if (!written) return fail(ErrorCode::kUnsupported, "wrote no file to {wav}");
    return decode(*std::move(written), core::shown(words_[0]));
  }

  bool has(std::string_view placeholder) const {
    for (const std::string& word : words_)
      if (word.find(placeholder) != std::string::npos) return true;
    return false;
  }

  std::vector<std::string> words_;
};

}  // namespace

Result<VoicePointer> command_voice(std::string_view command) {
  WAKEBUILDER_TRY(std::vector<std::string> words, Splitter::split(command));
  if (!core::find_program(words[0])) {
    return fail(ErrorCode::kUnavailable, "voice \"" + core::quote(command) +
                                             "\": expected a program, " + "found no \"" +
                                             core::quote(words[0]) + "\" in PATH");
  }
  return VoicePointer(std::make_shared<CommandVoice>(std::string(command), std::move(words)));
}

}  // namespace wakebuilder::speech
