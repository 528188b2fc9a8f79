#include "wakebuilder/core/text.h"

#include <array>
#include <charconv>
#include <cstdint>

namespace wakebuilder::core {
namespace {

/// Length of the well-formed UTF-8 sequence at the start of `text` (not empty); 0 when it is not
/// one.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto continues = [&](std::size_t i) {
    return i < text.size() && (byte(i) & 0xc0U) == 0x80U;
  };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!continues(1) || !continues(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
    if (first == 0xed && byte(1) > 0x9f) return 0;  // surrogate
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;  // overlong
    if (first == 0xf4 && byte(1) > 0x8f) return 0;  // beyond U+10FFFF
    return 4;
  }
  return 0;
}

void append_hex(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<std::uint8_t>(c);
  out += "\\x";
  out += kDigits[byte >> 4U];
  out += kDigits[byte & 15U];
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    default:
      append_hex(out, c);
      return;
  }
}

enum class Quotes { kKept, kEscaped };

bool is_plain(char c, Quotes quotes) {
  const auto byte = static_cast<std::uint8_t>(c);
  return byte >= 0x20 && byte != 0x7f && c != '\\' && (c != '"' || quotes == Quotes::kKept);
}

/// C1 control characters, U+0080 to U+009F, which terminals obey as they do ESC.
bool is_c1_control(std::string_view sequence) {
  return sequence.size() == 2 && sequence[0] == '\xc2' &&
         static_cast<std::uint8_t>(sequence[1]) < 0xa0;
}

std::string escaped(std::string_view text, Quotes quotes) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view sequence = text.substr(0, length == 0 ? 1 : length);
    if (length == 1 ? is_plain(text[0], quotes) : length > 1 && !is_c1_control(sequence)) {
      out += sequence;
    } else {
      for (const char c : sequence) append_escaped(out, c);
    }
    text.remove_prefix(sequence.size());
  }
  return out;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text) { return escaped(text, Quotes::kKept); }

std::string escape(std::string_view text) { return escaped(text, Quotes::kEscaped); }

std::string shorten(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (static_cast<std::uint8_t>(text[limit]) & 0xc0U) == 0x80U) --limit;
  return std::string(text.substr(0, limit)) + "...";
}

std::string quote(std::string_view text, std::size_t limit) { return escape(shorten(text, limit)); }

std::string to_text(double number) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), result.ptr};
}

}  // namespace wakebuilder::core
