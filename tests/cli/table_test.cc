#include "cli/table.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace wakebuilder::cli {
namespace {

TEST(Table, AlignsColumnsTwoBlanksApart) {
  Table table({"name", "kind"});
  table.add({"jarvis", "custom"});
  table.add({"ok", "default"});
  EXPECT_EQ(table.text(),
            "  name    kind\n"
            "  jarvis  custom\n"
            "  ok      default\n");
}

TEST(Table, SetsNumbersRight) {
  Table table({"batch", "diff"});
  table.add({"1", "4.7e-07"});
  table.add({"12", "-1"});
  EXPECT_EQ(table.text(0),
            "batch     diff\n"
            "    1  4.7e-07\n"
            "   12       -1\n");
}

TEST(Table, SetsAColumnLeftWhenOneOfItsCellsIsText) {
  Table table({"a", "b"});
  table.add({"1", "1000"});
  table.add({"x", "-"});
  EXPECT_EQ(table.text(0),
            "a     b\n"
            "1  1000\n"
            "x     -\n");
}

TEST(Table, CountsCharactersAndNotBytes) {
  Table table({"word", "kind"});
  table.add({"h\xc3\xa9", "x"});
  table.add({"\xe4\xbd\xa0\xe5\xa5\xbd", "y"});
  EXPECT_EQ(table.text(0),
            "word  kind\n"
            "h\xc3\xa9    x\n"
            "\xe4\xbd\xa0\xe5\xa5\xbd    y\n");
}

TEST(Table, OfAHeadingAloneIsEmpty) {
  Table table({"name", "size"});
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table.text(0), "name  size\n");
  table.add({"", ""});
  EXPECT_FALSE(table.empty());
}

TEST(SizeText, CountsInDecimalUnits) {
  const std::vector<std::pair<std::uint64_t, std::string>> sizes = {
      {0, "0 B"},
      {999, "999 B"},
      {1000, "1.0 kB"},
      {9221000, "9.2 MB"},
      {341900000, "341.9 MB"},
      {2147483647, "2.1 GB"},
      {std::numeric_limits<std::uint64_t>::max(), "18446744.1 TB"},
  };
  for (const auto& [bytes, text] : sizes) EXPECT_EQ(size_text(bytes), text);
}

TEST(Grouped, PutsACommaAfterEveryThirdDigit) {
  const std::vector<std::pair<std::uint64_t, std::string>> numbers = {
      {0, "0"},
      {999, "999"},
      {1000, "1,000"},
      {6435650, "6,435,650"},
      {100000, "100,000"},
      {18446744073709551615U, "18,446,744,073,709,551,615"},
  };
  for (const auto& [number, text] : numbers) EXPECT_EQ(grouped(number), text);
}

TEST(DifferenceText, HasTwoDigits) {
  EXPECT_EQ(difference_text(4.678e-7), "4.7e-07");
  EXPECT_EQ(difference_text(0), "0");
  EXPECT_EQ(difference_text(1.5), "1.5");
  EXPECT_EQ(difference_text(std::numeric_limits<double>::infinity()), "inf");
}

}  // namespace
}  // namespace wakebuilder::cli
