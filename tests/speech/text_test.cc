#include "wakebuilder/speech/text.h"

#include <string>

#include "support/matchers.h"

namespace wakebuilder::speech {
namespace {

using test::HasError;
using test::IsOk;

TEST(SpokenText, AcceptsWhatAVoiceCanSay) {
  EXPECT_THAT(check_text("hey jarvis"), IsOk());
  EXPECT_THAT(check_text("Crème brûlée – 12!"), IsOk());
  EXPECT_THAT(check_text("алиса", "ru"), IsOk());
  EXPECT_THAT(check_text("ok google", "ru"), IsOk());
  EXPECT_THAT(check_text("अनिता", ""), IsOk());
}

TEST(SpokenText, RejectsWhatNoVoiceSaysInOneSentence) {
  const auto says = [](const std::string& text) {
    return HasError(ErrorCode::kInvalidArgument, text);
  };
  EXPECT_THAT(check_text(""), says("expected text to say, found none"));
  EXPECT_THAT(check_text("?!"), says("expected text to say, found only \"?!\""));
  EXPECT_THAT(check_text("a\nb"), says("expected text without control characters, found \"\\n\""));
  EXPECT_THAT(check_text("\xFF"), says("expected text in UTF-8, found \"\\xff\""));
  EXPECT_THAT(check_text(std::string(201, 'a')),
              says("expected at most 200 characters of text, found 201"));
  EXPECT_THAT(check_text("hey 日本"),
              says("letters that a voice of the language en can read, found \"日\", which is Han"));
  EXPECT_THAT(check_text("hey 😀"), says("found \"😀\", which no voice can say"));
}

TEST(SpokenText, CountsCharactersAndNotBytes) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "é";
  EXPECT_THAT(check_text(text, "fr-fr"), IsOk());
}

}  // namespace
}  // namespace wakebuilder::speech
