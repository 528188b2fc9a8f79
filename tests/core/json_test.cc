#include "wakebuilder/core/json.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/matchers.h"
#include "support/values.h"

namespace wakebuilder::core {
namespace {

using test::HasError;
using test::IsOk;
using test::IsValue;
using testing::HasSubstr;

std::string nested(int depth) {
  const auto levels = static_cast<std::size_t>(depth);
  return std::string(levels, '[') + std::string(levels, ']');
}

TEST(ParseJson, ReadsEveryKindAndKeepsTheOrder) {
  const auto value = parse_json(
      R"( {"z": null, "a": [true, false, 0, -7, 0.5, 1e3], "m": {"text": "h\u00e9\n"}, "e": {}} )");
  ASSERT_THAT(value, IsOk());
  EXPECT_THAT(*value, IsValue(Value(Dict{{"z", Value()},
                                         {"a", List{true, false, 0, -7, 0.5, 1000.0}},
                                         {"m", Dict{{"text", "h\xc3\xa9\n"}}},
                                         {"e", Dict{}}})));
}

TEST(ParseJson, TakesAnyValueAsADocument) {
  const std::vector<std::pair<std::string, Value>> documents = {
      {"null", Value()}, {"true", true},        {"7", 7},
      {"0.5", 0.5},      {R"("text")", "text"}, {"[]", List{}}};
  for (const auto& [text, value] : documents) {
    const auto parsed = parse_json(text);
    ASSERT_THAT(parsed, IsOk()) << text;
    EXPECT_THAT(*parsed, IsValue(value)) << text;
  }
}

TEST(ParseJson, KeepsIntegersThatAreTooBigForSixtyFourBits) {
  const std::vector<std::pair<std::string, Value>> numbers = {
      {"9223372036854775807", std::numeric_limits<std::int64_t>::max()},
      {"-9223372036854775808", std::numeric_limits<std::int64_t>::min()},
      {"9223372036854775808", BigInteger{"9223372036854775808"}},
      {"18446744073709551615", BigInteger{"18446744073709551615"}},
      {"18446744073709551616", BigInteger{"18446744073709551616"}},
      {"-9223372036854775809", BigInteger{"-9223372036854775809"}},
      {"1" + std::string(60, '0'), BigInteger{"1" + std::string(60, '0')}},
  };
  for (const auto& [text, value] : numbers) {
    const auto parsed = parse_json(text);
    ASSERT_THAT(parsed, IsOk()) << text;
    EXPECT_THAT(*parsed, IsValue(value)) << text;
  }
}

TEST(ParseJson, SaysLineAndColumnOfAMistake) {
  EXPECT_THAT(parse_json("{\"a\": 1,\n \"b\" 2}"),
              HasError(ErrorCode::kCorrupt, "not valid JSON: parse error at line 2, column 6"));
}

TEST(ParseJson, RefusesWhatIsNoJson) {
  for (const std::string& text :
       {std::string(), std::string(" "), std::string("{"), std::string("[1,]"),
        std::string("{'a': 1}"), std::string("[1] [2]"), std::string("NaN"),
        std::string("[Infinity]"), std::string("01"), std::string("+1"), std::string("1e999"),
        std::string("\"\x01\""), std::string("\"\\ud800\""), std::string("// comment\n1"),
        std::string("\"cut"), std::string("1\0", 2), std::string("{}\0{}", 5),
        std::string("{1: 2}")}) {
    EXPECT_THAT(parse_json(text), HasError(ErrorCode::kCorrupt, "not valid JSON: ")) << text;
  }
}

TEST(ParseJson, RefusesTextThatIsNotUtf8) {
  for (const std::string text : {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "{\"\x80\": 1}"}) {
    const auto parsed = parse_json(text);
    EXPECT_THAT(parsed, HasError(ErrorCode::kCorrupt, "not valid JSON: "));
  }
}

TEST(ParseJson, RefusesAKeyThatIsGivenTwice) {
  EXPECT_THAT(parse_json(R"({"a": 1, "b": {"a": 2}, "a": 3})"),
              HasError(ErrorCode::kCorrupt, R"(the key "a" is given twice)"));
  EXPECT_THAT(parse_json(R"({"a": {"b": 1}, "c": {"b": 2}})"), IsOk());
  EXPECT_THAT(parse_json(R"({"\u0061\u001b": 1, "a\u001b": 3})"),
              HasError(ErrorCode::kCorrupt, R"(the key "a\x1b" is given twice)"));
}

TEST(ParseJson, RefusesNestingDeeperThan128Levels) {
  EXPECT_THAT(parse_json(nested(128)), IsOk());
  EXPECT_THAT(parse_json(nested(129)),
              HasError(ErrorCode::kCorrupt, "nested deeper than 128 levels"));
  EXPECT_THAT(parse_json(std::string(1000000, '[')),
              HasError(ErrorCode::kCorrupt, "nested deeper than 128 levels"));
  std::string objects;
  for (int i = 0; i < 200; ++i) objects += "{\"a\":";
  EXPECT_THAT(parse_json(objects), HasError(ErrorCode::kCorrupt, "nested deeper than 128 levels"));
}

TEST(ParseJson, MistakesFitOneShortLine) {
  const auto parsed = parse_json("[\"" + std::string(100000, 'x') + "\n");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_LT(parsed.error().message.size(), 400U);
  EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos);
}

TEST(ToJson, WritesOnOneLineOrPretty) {
  const Value value = Dict{{"a", List{1, 2}}, {"b", Dict{}}};
  EXPECT_EQ(to_json(value), R"({"a":[1,2],"b":{}})");
  EXPECT_EQ(to_json(value, 2), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
}

TEST(ToJson, WritesWhatJsonLacksAsPeopleExpect) {
  const Value value = Dict{
      {"nan", std::numeric_limits<double>::quiet_NaN()},
      {"infinity", -std::numeric_limits<double>::infinity()},
      {"tuple", Tuple{{1, "two"}}},
      {"bytes", Bytes{"a\xff\n"}},
      {"opaque", Opaque{"torch.float32"}},
      {"big", BigInteger{"123456789012345678901234567890"}},
      {"tensor", Tensor::from<float>({1, 2}, {1, 2})},
      {3, "integer key"},
      {true, "bool key"},
      {Value(), "null key"},
  };
  EXPECT_EQ(to_json(value), R"({"nan":null,"infinity":null,"tuple":[1,"two"],"bytes":"a\\xff\\n",)"
                            R"("opaque":"torch.float32","big":"123456789012345678901234567890",)"
                            R"("tensor":{"dtype":"float32","shape":[1,2]},)"
                            R"("3":"integer key","true":"bool key","null":"null key"})");
}

TEST(ToJson, WritesKeysThatAreNoStringsPlainly) {
  EXPECT_EQ(to_json(Dict{{BigInteger{"123456789012345678901"}, 1}, {Bytes{"raw"}, 2}}),
            R"({"123456789012345678901":1,"raw":2})");
}

TEST(ToJson, PutsAMarkInPlaceOfBytesThatAreNotUtf8) {
  EXPECT_EQ(to_json("a\xff"
                    "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(to_json(Dict{{"\xff", 1}}), "{\"\xef\xbf\xbd\":1}");
  EXPECT_THAT(to_json(Dict{{Tuple{{"\xff"}}, 1}}), HasSubstr("\xef\xbf\xbd"));
}

TEST(ToJson, EscapesControlCharacters) {
  EXPECT_EQ(to_json(std::string("\"\\\n\x01\0", 5)), R"("\"\\\n\u0001\u0000")");
}

TEST(Json, RoundTripKeepsEveryNumber) {
  using Limits = std::numeric_limits<double>;
  const Value value = List{0,
                           -1,
                           std::numeric_limits<std::int64_t>::max(),
                           std::numeric_limits<std::int64_t>::min(),
                           0.1,
                           1.0,
                           -0.0,
                           1e-5,
                           0.1 + 0.2,
                           Limits::max(),
                           Limits::min(),
                           Limits::denorm_min(),
                           1e22,
                           123456789.125};
  const auto back = parse_json(to_json(value));
  ASSERT_THAT(back, IsOk());
  EXPECT_THAT(*back, IsValue(value));
}

/// A training seed, for instance, has 64 bits without a sign.
TEST(Json, RoundTripKeepsUnsignedIntegersOf64Bits) {
  const std::string text = R"({"seed":18446744073709551615})";
  const auto value = parse_json(text);
  ASSERT_THAT(value, IsOk());
  EXPECT_EQ(to_json(*value), text);
}

TEST(Json, RoundTripKeepsTextOrderAndNesting) {
  const std::string text =
      "{\"z\":\"\\\"h\xc3\xa9\\u0000\\\\\",\"a\":[[],{},[[1]],null,true],\"\":\"empty key\"}";
  const auto value = parse_json(text);
  ASSERT_THAT(value, IsOk());
  EXPECT_EQ(to_json(*value), text);
  const auto pretty = parse_json(to_json(*value, 2));
  ASSERT_THAT(pretty, IsOk());
  EXPECT_THAT(*pretty, IsValue(*value));
}

}  // namespace
}  // namespace wakebuilder::core
