// Voices: text or phonemes in, 16 kHz mono out.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wakebuilder/core/result.h"

namespace wakebuilder::speech {

/// Kinds of voices that sound alike; training draws from each with a weight of its own.
enum class VoiceGroup {
  kEspeakEnglish,
  kEspeakOther,  ///< other languages: they take phonemes, or text of their language
  kFlite,
  kFestivalEnglish,
  kFestivalOther,  ///< other languages: they take spellings of their language
  kCommand,        ///< a program that the user named
};

/// "espeak-english", "espeak-other", "flite", "festival-english", "festival-other", "command".
std::string_view to_string(VoiceGroup group);

/// What to say, and how. The factors are relative to the voice's usual way; not every engine has
/// each of them (espeak-ng: no intonation; festival: speed only; a command: none) and ignores the
/// rest.
struct Utterance {
  std::string text;        ///< UTF-8; empty when `phonemes` is given
  std::string phonemes{};  ///< espeak-ng's mnemonics, for its voices only: "k@mpj'u:t3"
  double pitch = 1;        ///< 0.5 to 2
  double intonation = 1;   ///< range of the melody, 0 to 3
  double speed = 1;        ///< 0.25 to 4
  int word_gap_ms = 0;     ///< pause between words, 0 to 2000

  friend bool operator==(const Utterance&, const Utterance&) = default;
};

/// From where to where an engine's factors are drawn for training.
struct UtteranceRange {
  double min_pitch = 1, max_pitch = 1;
  double min_speed = 1, max_speed = 1;
};

/// The ranges of a group in which its voices still sound like somebody.
UtteranceRange usual_range(VoiceGroup group);

/// Errors: kInvalidArgument for a factor out of its range, for text and phonemes at once, for text
/// as in check_text(), and for phonemes that are not 1 to 400 printable ASCII characters without
/// brackets.
Result<void> check_utterance(const Utterance& utterance, std::string_view language);

/// 16 kHz mono, +-1, each sample a multiple of 1/32768; or why there is none.
using Rendering = Result<std::vector<float>>;

inline constexpr std::chrono::milliseconds kUtteranceLimit{20'000};

/// One voice of one engine. Its functions are thread-safe.
class Voice {
 public:
  Voice(const Voice&) = delete;
  Voice& operator=(const Voice&) = delete;
  virtual ~Voice() = default;

  /// "en-us+adam", "slt", "kal_diphone", "piper --model x {text} {wav}".
  const std::string& name() const { return name_; }
  VoiceGroup group() const { return group_; }
  /// As espeak-ng names languages: "en-us", "cs"; empty where it is not known.
  const std::string& language() const { return language_; }
  /// Engine and version: "espeak-ng 1.51".
  const std::string& engine() const { return engine_; }

  /// Says it: the same samples every time, but for commands. Errors have the voice's name in front:
  /// as check_utterance(); kUnsupported for phonemes where the engine takes none, for silence, for
  /// more than two minutes; kUnavailable when the engine is not there (any more); kIo when it is
  /// not done in `limit`, is killed or fails; kCorrupt for bytes that are no recording. flite,
  /// which is linked, knows no limit (it makes a hundred seconds in one), lets one thread in at a
  /// time, and seeds std::rand().
  Rendering say(const Utterance& utterance,
                std::chrono::milliseconds limit = kUtteranceLimit) const;

  /// Says all, each with its own result, in order. What cannot be said leaves the others as they
  /// are. `limit` is for each utterance.
  std::vector<Rendering> say_all(std::span<const Utterance> utterances,
                                 std::chrono::milliseconds limit = kUtteranceLimit) const;

  /// How many utterances it is best given at a time; more than 1 where the engine starts slowly.
  virtual std::size_t batch_size() const { return 1; }

 protected:
  Voice(std::string name, VoiceGroup group, std::string language, std::string engine);

 private:
  /// Errors have no name of a voice yet. @pre check_utterance() was content
  virtual Rendering render(const Utterance& utterance, std::chrono::milliseconds limit) const = 0;
  virtual std::vector<Rendering> render_all(std::span<const Utterance> utterances,
                                            std::chrono::milliseconds limit) const;

  std::string name_;
  VoiceGroup group_;
  std::string language_;
  std::string engine_;
};

using VoicePointer = std::shared_ptr<const Voice>;

/// Of all that a rendering depends on: the SHA-256 of engine, version, voice, text or phonemes and
/// all factors, 64 hexadecimal digits.
std::string fingerprint_of(const Voice& voice, const Utterance& utterance);

}  // namespace wakebuilder::speech
