#include "wakebuilder/core/value.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/values.h"

namespace wakebuilder::core {
namespace {

using test::IsValue;

Value sample() {
  return Dict{{"wake_word", "jarvis"},
              {"threshold", 0.5},
              {"config", Dict{{"use_tcn", true}, {"hidden_dims", List{256, 128}}}},
              {7, "an integer key"}};
}

TEST(Value, OfDefaultIsNull) {
  EXPECT_TRUE(Value().is_null());
  EXPECT_FALSE(Value(false).is_null());
  EXPECT_EQ(Value().find("key"), nullptr);
}

TEST(Value, KeepsEachKindApart) {
  const std::vector<std::pair<Value, std::string_view>> kinds = {
      {Value(), "NoneType"},
      {true, "bool"},
      {7, "int"},
      {std::int64_t{1} << 40, "int"},
      {0.5, "float"},
      {"text", "str"},
      {std::string_view("text"), "str"},
      {Bytes{"raw"}, "bytes"},
      {BigInteger{"123456789012345678901"}, "int"},
      {Opaque{"torch.float32"}, "object"},
      {List{1, 2}, "list"},
      {Tuple{{1, 2}}, "tuple"},
      {Dict{{"a", 1}}, "dict"},
      {Tensor(), "Tensor"},
  };
  for (const auto& [value, name] : kinds) EXPECT_EQ(value.type_name(), name);
}

TEST(Value, LiteralTextIsNoBool) {
  EXPECT_NE(Value("text").get_if<std::string>(), nullptr);
  EXPECT_NE(Value(true).get_if<bool>(), nullptr);
  EXPECT_EQ(Value(1).get_if<bool>(), nullptr);
}

TEST(Value, FindsByStringKey) {
  const Value value = sample();
  ASSERT_NE(value.find("wake_word"), nullptr);
  EXPECT_THAT(*value.find("wake_word"), IsValue(Value("jarvis")));
  EXPECT_EQ(value.find("wake"), nullptr);
  EXPECT_EQ(value.find("7"), nullptr);  // the key is an integer
}

TEST(Value, FollowsAPathOfKeys) {
  const Value value = sample();
  ASSERT_NE(value.find("config", "use_tcn"), nullptr);
  EXPECT_THAT(*value.find("config", "use_tcn"), IsValue(Value(true)));
  EXPECT_EQ(value.find("config", "use_gru"), nullptr);
  EXPECT_EQ(value.find("wake_word", "use_tcn"), nullptr);
  EXPECT_EQ(value.find("missing", "use_tcn"), nullptr);
}

TEST(Value, SetReplacesInPlaceAndAppendsWhatIsNew) {
  Value value = sample();
  value.set("threshold", 0.75);
  value.set("has_onnx", true);
  EXPECT_THAT(
      value,
      IsValue(Value(Dict{{"wake_word", "jarvis"},
                         {"threshold", 0.75},
                         {"config", Dict{{"use_tcn", true}, {"hidden_dims", List{256, 128}}}},
                         {7, "an integer key"},
                         {"has_onnx", true}})));
}

TEST(Value, SetMakesADictOfNull) {
  Value value;
  value.set("a", 1);
  EXPECT_THAT(value, IsValue(Value(Dict{{"a", 1}})));
}

TEST(Value, SetOnAnythingElseBreaksTheContract) {
  Value number = 1;
  EXPECT_THROW(number.set("a", 1), std::logic_error);
  Value list = List{};
  EXPECT_THROW(list.set("a", 1), std::logic_error);
}

TEST(Value, EraseRemovesAStringKey) {
  Value value = Dict{{"a", 1}, {1, "integer"}, {"b", 2}};
  value.erase("a");
  value.erase("1");
  value.erase("missing");
  EXPECT_THAT(value, IsValue(Value(Dict{{1, "integer"}, {"b", 2}})));
  Value number = 1;
  number.erase("a");
  EXPECT_THAT(number, IsValue(Value(1)));
}

TEST(Value, NumberIsIntOrFloat) {
  EXPECT_EQ(Value(7).number(), 7.0);
  EXPECT_EQ(Value(0.5).number(), 0.5);
  EXPECT_EQ(Value(true).number(), std::nullopt);
  EXPECT_EQ(Value("7").number(), std::nullopt);
  EXPECT_EQ(Value(BigInteger{"99999999999999999999"}).number(), std::nullopt);
  EXPECT_EQ(Value().number(), std::nullopt);
}

}  // namespace
}  // namespace wakebuilder::core
