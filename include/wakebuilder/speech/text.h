// Which text a voice can say.
#pragma once

#include <cstddef>
#include <string_view>

#include "wakebuilder/core/result.h"

namespace wakebuilder::speech {

inline constexpr std::size_t kMaxCharacters = 200;

/// Checks text before it is given to a voice: UTF-8 with at least one letter or digit, at most
/// kMaxCharacters, no control characters (no line breaks either), and letters only of the script
/// that the language is written in; Latin letters are read in every language.
///
/// @param language  "en-us", "ru", ... as espeak-ng names them; empty: any script
///
/// Errors: kInvalidArgument, one sentence that says what was expected and found.
Result<void> check_text(std::string_view text, std::string_view language = "en");

}  // namespace wakebuilder::speech
