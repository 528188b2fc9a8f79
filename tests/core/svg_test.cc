#include "wakebuilder/core/svg.h"

#include <gtest/gtest.h>

namespace wakebuilder::core {
namespace {

TEST(Xml, EscapesMarkup) {
  EXPECT_EQ(xml("<script a=\"1\" b='2'>&"), "&lt;script a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;");
  EXPECT_EQ(xml("h\u00e9 \u4f60"), "h\u00e9 \u4f60");
}

TEST(Xml, ReplacesWhatXmlHasNot) {
  EXPECT_EQ(xml("a\xef\xbf\xbe\xef\xbf\xbfz"), "a\xef\xbf\xbd\xef\xbf\xbdz");
}

TEST(Px, IsATenthOfAPixel) {
  EXPECT_EQ(px(12), "12");
  EXPECT_EQ(px(12.34), "12.3");
  EXPECT_EQ(px(-0.26), "-0.3");
  EXPECT_EQ(px(1234567.8), "1234567.8");
}

TEST(TextWidth, CountsCharactersByTheirKind) {
  EXPECT_DOUBLE_EQ(text_width("", 10), 0);
  EXPECT_DOUBLE_EQ(text_width("il", 10), 7.2);
  EXPECT_DOUBLE_EQ(text_width("ab", 10), 11.6);
  EXPECT_DOUBLE_EQ(text_width("WM", 10), 14.8);
  EXPECT_DOUBLE_EQ(text_width("\u4f60", 10), 10);  // wide
  EXPECT_DOUBLE_EQ(text_width("\u00e9", 10), 5.8);
}

}  // namespace
}  // namespace wakebuilder::core
