#include "wakebuilder/core/text.h"

#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace wakebuilder::core {
namespace {

using namespace std::string_literals;

TEST(IsUtf8, AcceptsEveryWellFormedSequence) {
  for (const std::string& text : {
           ""s,
           "abc"s,
           "\0"s,
           "\x7f"s,
           "\xc2\x80"s,
           "\xdf\xbf"s,  // U+0080, U+07FF
           "\xe0\xa0\x80"s,
           "\xed\x9f\xbf"s,  // U+0800, U+D7FF
           "\xee\x80\x80"s,
           "\xef\xbf\xbf"s,  // U+E000, U+FFFF
           "\xf0\x90\x80\x80"s,
           "\xf4\x8f\xbf\xbf"s,  // U+10000, U+10FFFF
           "h\xc3\xa9, \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x8e\xa4"s,
       }) {
    EXPECT_TRUE(is_utf8(text)) << escape(text);
  }
}

// The ill-formed sequences of RFC 3629 and of the Unicode standard, table 3-7.
TEST(IsUtf8, RejectsEverythingElse) {
  for (const std::string& text : {
           "\x80"s,
           "\xbf"s,  // continuation without a start
           "\xc0\x80"s,
           "\xc1\xbf"s,  // overlong ASCII
           "\xe0\x80\x80"s,
           "\xe0\x9f\xbf"s,  // overlong
           "\xf0\x80\x80\x80"s,
           "\xf0\x8f\xbf\xbf"s,  // overlong
           "\xed\xa0\x80"s,
           "\xed\xbf\xbf"s,  // surrogates
           "\xf4\x90\x80\x80"s,
           "\xf5\x80\x80\x80"s,  // beyond U+10FFFF
           "\xf8\x88\x80\x80\x80"s,
           "\xfe"s,
           "\xff"s,
           "\xc2"s,
           "\xe0\xa0"s,
           "\xf0\x90\x80"s,  // cut
           "\xc2 "s,
           "\xe0\xa0 "s,
           "\xf0\x90\x80 "s,
           "\xe0 \x80"s,
           "ok\xff"s,
       }) {
    EXPECT_FALSE(is_utf8(text)) << escape(text);
  }
}

TEST(Escape, MakesOneHarmlessLine) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"plain text", "plain text"},
      {"a\nb\r\tc", R"(a\nb\r\tc)"},
      {R"(say "hi" \o/)", R"(say \"hi\" \\o/)"},
      {"\x1b[31mred\x07", R"(\x1b[31mred\x07)"},
      {"nul\0!"s, R"(nul\x00!)"},
      {"\x7f", R"(\x7f)"},
      {"h\xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x8e\xa4", "h\xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x8e\xa4"},
      {"\xff\xc3", R"(\xff\xc3)"},
      {"\xed\xa0\x80", R"(\xed\xa0\x80)"},  // a surrogate
      {"\xc0\xaf", R"(\xc0\xaf)"},          // an overlong slash
      {"\xc2\x9b"
       "31m",
       R"(\xc2\x9b31m)"},  // U+009B, which terminals take for ESC [
      {"\xc2\x80\xc2\x9f", R"(\xc2\x80\xc2\x9f)"},
      {"\xc2\xa0", "\xc2\xa0"},  // U+00A0 is no control character
  };
  for (const auto& [text, escaped] : cases) EXPECT_EQ(escape(text), escaped);
}

TEST(Printable, KeepsQuotesAndEscapesTheRest) {
  EXPECT_EQ(printable("[\"other\", \"wake_word\"]\n\x1b"), "[\"other\", \"wake_word\"]\\n\\x1b");
}

TEST(Shorten, CutsBetweenCharacters) {
  EXPECT_EQ(shorten("jarvis", 6), "jarvis");
  EXPECT_EQ(shorten("jarvis", 3), "jar...");
  EXPECT_EQ(shorten("a\u00e9b", 2), "a...");
}

TEST(Escape, GivesUtf8WithoutControlCharactersForAnyBytes) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const std::string escaped = escape(all + all);
  EXPECT_TRUE(is_utf8(escaped));
  for (const char c : escaped) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20) << escaped;
}

TEST(Quote, CutsLongTextAndSaysSo) {
  EXPECT_EQ(quote("jarvis", 6), "jarvis");
  EXPECT_EQ(quote("jarvis", 5), "jarvi...");
  EXPECT_EQ(quote("", 0), "");
  EXPECT_EQ(quote("a", 0), "...");
  EXPECT_EQ(quote(std::string(200, 'x')), std::string(120, 'x') + "...");
}

TEST(Quote, DoesNotCutInsideACharacter) {
  EXPECT_EQ(quote("a\xc3\xa9z", 2), "a...");
  EXPECT_EQ(quote("a\xc3\xa9z", 3), "a\xc3\xa9...");
  EXPECT_EQ(quote("\xf0\x9f\x8e\xa4!", 3), "...");
  EXPECT_EQ(quote("\x80\x80\x80\x80", 2), "...");  // nothing but continuation bytes
}

TEST(Quote, CutsBeforeItEscapes) { EXPECT_EQ(quote("\n\n\n", 2), R"(\n\n...)"); }

TEST(ToText, IsTheShortestThatReadsBackTheSame) {
  EXPECT_EQ(to_text(0.5), "0.5");
  EXPECT_EQ(to_text(1e-5), "1e-05");
  EXPECT_EQ(to_text(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(to_text(-0.0), "-0");
  EXPECT_EQ(to_text(1e300), "1e+300");
  EXPECT_EQ(to_text(std::numeric_limits<double>::infinity()), "inf");
}

TEST(ToText, ReadsBackAtTheEdgesOfDouble) {
  using Limits = std::numeric_limits<double>;
  for (const double number : {Limits::min(), Limits::max(), -Limits::max(), Limits::denorm_min(),
                              Limits::epsilon(), 1.0 / 3.0, -6.845978}) {
    EXPECT_EQ(std::stod(to_text(number == Limits::denorm_min() ? 1.0 : number)),
              number == Limits::denorm_min() ? 1.0 : number);
  }
  EXPECT_EQ(to_text(Limits::denorm_min()), "5e-324");
}

}  // namespace
}  // namespace wakebuilder::core
