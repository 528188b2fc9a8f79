// The voices that this machine has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/speech/voice.h"

namespace wakebuilder::speech {

struct VoiceOptions {
  bool use_espeak = true;
  bool use_flite = true;
  bool use_festival = true;
  /// espeak-ng: each language also with each of its speakers ("en-us+adam").
  bool with_variants = true;
  /// espeak-ng: all of its languages, not only English and those that training uses.
  bool every_language = false;
  /// Commands of the user, as command_voice() takes them.
  std::vector<std::string> commands{};
};

/// All voices of the engines that are there, in a certain order: espeak-ng's, flite's, festival's,
/// commands. An engine that is not installed or does not answer has none.
///
/// Errors: kUnavailable when nothing is left, with what to install; kInvalidArgument and
/// kUnavailable for a command, as command_voice().
Result<std::vector<VoicePointer>> installed_voices(const VoiceOptions& options = {});

/// A voice by its name: of installed_voices() with every language, or a command (with a blank in
/// it). Errors: kNotFound; as command_voice().
Result<VoicePointer> find_voice(std::string_view name);

/// A program of the user as a voice: "piper --model x.onnx --output_file {wav}".
///
/// The text is split into words at blanks as a shell does, with '...', "..." and \, but no shell
/// runs: in each word {text} becomes the text and {wav} the path of the WAV to write. Without
/// {text} the program reads the text from its standard input, without {wav} it writes a recording
/// to its standard output. It may be called by several threads at once.
///
/// Errors: kInvalidArgument for an open quote and for no word; kUnavailable when the program is not
/// there.
Result<VoicePointer> command_voice(std::string_view command);

}  // namespace wakebuilder::speech
