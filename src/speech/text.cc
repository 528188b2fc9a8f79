#include "wakebuilder/speech/text.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "wakebuilder/core/text.h"

#include "speech/code_points.h"

namespace wakebuilder::speech {
namespace {

struct Script {
  std::string_view name;
  char32_t first;
  char32_t last;
  std::string_view languages;  ///< the first parts of their codes, each between spaces
};

// Blocks of the Unicode standard. A script of several blocks has several rows.
constexpr std::array kScripts = std::to_array<Script>({
    {"Latin", U'A', U'Z', ""},
    {"Latin", U'a', U'z', ""},
    {"Latin", 0xAA, 0xAA, ""},
    {"Latin", 0xBA, 0xBA, ""},
    {"Latin", 0xC0, 0xD6, ""},
    {"Latin", 0xD8, 0xF6, ""},
    {"Latin", 0xF8, 0x2AF, ""},
    {"Latin", 0x1E00, 0x1EFF, ""},
    {"Greek", 0x370, 0x3FF, " el grc "},
    {"Greek", 0x1F00, 0x1FFF, " el grc "},
    {"Cyrillic", 0x400, 0x52F, " ba be bg cv kk ky mk ru sr tt uk "},
    {"Armenian", 0x531, 0x58F, " hy hyw "},
    {"Hebrew", 0x591, 0x5F4, " he "},
    {"Arabic", 0x600, 0x6FF, " ar fa sd ug ur "},
    {"Arabic", 0x750, 0x77F, " ar fa sd ug ur "},
    {"Devanagari", 0x900, 0x97F, " hi kok mr ne "},
    {"Bengali", 0x980, 0x9FF, " as bn bpy "},
    {"Gurmukhi", 0xA00, 0xA7F, " pa "},
    {"Gujarati", 0xA80, 0xAFF, " gu "},
    {"Oriya", 0xB00, 0xB7F, " or "},
    {"Tamil", 0xB80, 0xBFF, " ta "},
    {"Telugu", 0xC00, 0xC7F, " te "},
    {"Kannada", 0xC80, 0xCFF, " kn "},
    {"Malayalam", 0xD00, 0xD7F, " ml "},
    {"Sinhala", 0xD80, 0xDFF, " si "},
    {"Thai", 0xE00, 0xE7F, " th "},
    {"Myanmar", 0x1000, 0x109F, " my shn "},
    {"Georgian", 0x10A0, 0x10FF, " ka "},
    {"Hangul", 0x1100, 0x11FF, " ko "},
    {"Ethiopic", 0x1200, 0x137F, " am "},
    {"Cherokee", 0x13A0, 0x13FF, " chr "},
    {"Kana", 0x3041, 0x30FF, " ja "},
    {"Han", 0x4E00, 0x9FFF, " cmn hak ja yue zh "},
    {"Hangul", 0xAC00, 0xD7A3, " ko "},
});

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }
bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }

/// Printable ASCII, the signs of Latin-1, accents to combine, and the marks of print (dashes,
/// quotes, the ellipsis).
bool is_common_sign(char32_t c) {
  return (c >= 0x20 && c < 0x7F) || (c >= 0xA0 && c <= 0xBF) || c == 0xD7 || c == 0xF7 ||
         (c >= 0x300 && c <= 0x36F) || (c >= 0x2010 && c <= 0x2027);
}

const Script* script_of(char32_t c) {
  const auto* const found = std::find_if(kScripts.begin(), kScripts.end(), [c](const Script& s) {
    return s.first <= c && c <= s.last;
  });
  return found == kScripts.end() ? nullptr : found;
}

bool reads(std::string_view language, const Script& script) {
  if (language.empty() || script.name == "Latin") return true;
  const std::string code = " " + std::string(language.substr(0, language.find('-'))) + " ";
  return script.languages.find(code) != std::string_view::npos;
}

tl::unexpected<Error> expected(const std::string& what, const std::string& found) {
  return fail(ErrorCode::kInvalidArgument, "expected " + what + ", found " + found);
}

Result<void> check_character(const CodePoint& character, std::string_view language) {
  if (is_control(character.value)) {
    return expected("text without control characters", "\"" + core::escape(character.bytes) + "\"");
  }
  const Script* script = script_of(character.value);
  const std::string shown = "\"" + std::string(character.bytes) + "\"";
  if (script == nullptr) {
    return is_common_sign(character.value) || language.empty()
               ? Result<void>()
               : expected("letters, digits and punctuation", shown + ", which no voice can say");
  }
  if (reads(language, *script)) return {};
  return expected("letters that a voice of the language " + core::quote(language) + " can read",
                  shown + ", which is " + std::string(script->name));
}

}  // namespace

Result<void> check_text(std::string_view text, std::string_view language) {
  if (!core::is_utf8(text)) return expected("text in UTF-8", "\"" + core::quote(text) + "\"");
  const std::vector<CodePoint> characters = code_points(text);
  if (characters.size() > kMaxCharacters) {
    return expected("at most " + std::to_string(kMaxCharacters) + " characters of text",
                    std::to_string(characters.size()));
  }
  bool can_be_heard = false;
  for (const CodePoint& character : characters) {
    WAKEBUILDER_CHECK(check_character(character, language));
    can_be_heard |= is_digit(character.value) || script_of(character.value) != nullptr;
  }
  if (can_be_heard) return {};
  return expected("text to say", text.empty() ? "none" : "only \"" + core::quote(text) + "\"");
}

}  // namespace wakebuilder::speech
