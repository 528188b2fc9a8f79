// Text from files, made safe to show.
#pragma once

#include <string>
#include <string_view>

namespace wakebuilder::core {

/// True for well-formed UTF-8 (RFC 3629: no surrogates, nothing beyond U+10FFFF, no overlong form).
bool is_utf8(std::string_view text);

/// The text with each control character, backslash and byte that is not UTF-8 written as \n, \\ or
/// \x1b: for a line or a table of its own.
std::string printable(std::string_view text);

/// The same with each double quote written as \", for text that stands in quotes.
std::string escape(std::string_view text);

/// The text, or its first `limit` bytes (not half a character) and "...".
std::string shorten(std::string_view text, std::size_t limit);

/// escape() of shorten(): for names from files inside error sentences.
std::string quote(std::string_view text, std::size_t limit = 120);

/// The shortest decimal text that reads back as the same number: "0.5", "1e-05".
std::string to_text(double number);

}  // namespace wakebuilder::core
