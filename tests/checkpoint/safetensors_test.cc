#include "checkpoint/safetensors.h"

#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/json.h"

#include "checkpoint/forge.h"
#include "support/matchers.h"
#include "support/values.h"

namespace wakebuilder::test {
namespace {

using core::Dict;
using core::List;
using core::Tensor;
using core::Value;

std::string safetensors(const std::string& header, const std::string& data = "") {
  return raw(static_cast<std::uint64_t>(header.size())) + header + data;
}

std::string entry(const std::string& dtype, const std::string& shape, int begin, int end) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":[)" +
         std::to_string(begin) + "," + std::to_string(end) + "]}";
}

const std::string kTwo = floats({1, 2});

TEST(Safetensors, ReadsTensorsInTheOrderOfTheHeader) {
  const auto file = read_text(safetensors(R"({"b":)" + entry("F32", "[1]", 4, 8) +
                                              R"(,"__metadata__":{"k":"v"},"a":)" +
                                              entry("F32", "[]", 0, 4) + "}  ",
                                          kTwo));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->format, checkpoint::Format::kSafetensors);
  EXPECT_THAT(file->root, IsValue(Dict{{"b", Tensor::from<float>({2}, {1})},
                                       {"a", Tensor::from<float>({1}, {})}}));
  EXPECT_THAT(file->file_metadata, IsValue(Dict{{"k", "v"}}));
}

TEST(Safetensors, AlignsTensorsWhereverTheyLie) {
  for (std::size_t pad = 0; pad < 8; ++pad) {
    const auto file = read_text(
        safetensors(R"({"a":)" + entry("F32", "[2]", 0, 8) + "}" + std::string(pad, ' '), kTwo));
    ASSERT_THAT(file, IsOk());
    EXPECT_EQ(file->root.find("a")->get_if<Tensor>()->as<float>()[1], 2.0F);
  }
}

struct ErrorCase {
  std::string file;
  ErrorCode code;
  std::string words;
};

TEST(Safetensors, RefusesWhatTheFormatDoesNotAllow) {
  constexpr auto kCorrupt = ErrorCode::kCorrupt;
  const auto one = [](const std::string& what, const std::string& data = kTwo) {
    return safetensors(R"({"a":)" + what + "}", data);
  };
  const std::string half = R"({"a":)" + entry("F32", "[1]", 0, 4) + R"(,"b":)";
  const ErrorCase cases[] = {
      {raw(std::uint64_t{100}) + "{}", kCorrupt, "a header of 100 bytes, where 2 remain"},
      {raw(std::uint64_t{99} << 20) + "{}", kCorrupt, "a header of 103809024 bytes"},
      {safetensors("{\"a\""), kCorrupt, "safetensors header: not valid JSON"},
      {safetensors("{} {}"), kCorrupt, "not valid JSON"},
      {safetensors("{\"a\":1,\"a\":2}"), kCorrupt, "the key \"a\" is given twice"},
      {one("1"), kCorrupt, "tensor a: expected dtype, shape and data_offsets"},
      {one(R"({"dtype":"F32","shape":[2]})"), kCorrupt, "expected dtype, shape and data_offsets"},
      {one(R"({"dtype":"F32","shape":[2],"offsets":[0,8]})"), kCorrupt,
       "data_offsets are not two numbers"},
      {one(entry("F32", "[2.0]", 0, 8)), kCorrupt, "its shape holds something else than sizes"},
      {one(entry("F32", "[-2]", 0, 8)), kCorrupt, "its shape holds something else than sizes"},
      {one(entry("F32", "2", 0, 8)), kCorrupt, "its shape is no list"},
      {one(entry("F32", "[3]", 0, 8)), kCorrupt, "shape [3] of float32 does not take the 8 bytes"},
      {one(entry("F32", "[4611686018427387904,4]", 0, 0), ""), kCorrupt,
       "does not take the 0 bytes"},
      {one(entry("F32", "[2]", 8, 0)), kCorrupt, "data_offsets are not two numbers in order"},
      {one(entry("F32", "[2]", 0, 8), "123"), kCorrupt,
       "its data ends at 8, the file at 3: truncated"},
      {one(entry("F32", "[1]", 4, 8)), kCorrupt,
       "its data begins at 4, where that before ends at 0"},
      {safetensors(half + entry("F32", "[1]", 2, 6) + "}", kTwo), kCorrupt,
       "tensor b: its data begins at 2"},
      {safetensors(half + entry("F32", "[1]", 0, 4) + "}", kTwo), kCorrupt, "its data begins at 0"},
      {one(entry("F32", "[1]", 0, 4)), kCorrupt, "4 bytes belong to no tensor"},
      {safetensors(R"({"__metadata__":{"k":1}})"), kCorrupt,
       "__metadata__ holds something else than text"},
      {safetensors(R"({"__metadata__":"k"})"), kCorrupt, "__metadata__ is no object"},
      {one(entry("F4", "[16]", 0, 8)), ErrorCode::kUnsupported,
       "tensor a: its element type \"F4\" is not read"},
      {safetensors("{\"a\":[" + std::string(200'000, ',') + "]}"), kCorrupt,
       "more than 100000 JSON values"},
  };
  for (const ErrorCase& c : cases)
    EXPECT_THAT(read_text(c.file), HasError(c.code, c.words)) << c.words;
}

TEST(Safetensors, CountsValuesButNotTheCommasOfTexts) {
  const std::string text(200'000, ',');
  EXPECT_THAT(read_text(safetensors(R"({"__metadata__":{"k":")" + text + R"("}})")), IsOk());
}

// ---- The tree in __metadata__
// --------------------------------------------------------------------

/// A file of ours with one tensor "t" and this tree.
std::string with_tree(const std::string& tree) {
  return safetensors(R"({"__metadata__":{"wakebuilder.tree":)" + core::to_json(Value(tree)) +
                         R"(},"t":)" + entry("F32", "[2]", 0, 8) + "}",
                     kTwo);
}

TEST(SafetensorsTree, IsRestored) {
  const auto file = read_text(with_tree(
      R"({"w":{"$tensor":"t"},"tuple":{"$tuple":[1,2.0]},"big":{"$int":"-99999999999999999999"},)"
      R"("bytes":{"$bytes":"00ff"},"inf":{"$float":"7ff0000000000000"},"keys":{"$dict":[[1,null],["$a",true]]}})"));
  ASSERT_THAT(file, IsOk());
  const Value want = Dict{{"w", Tensor::from<float>({1, 2}, {2})},
                          {"tuple", core::Tuple{{1, 2.0}}},
                          {"big", core::BigInteger{"-99999999999999999999"}},
                          {"bytes", core::Bytes{"\0\xff"s}},
                          {"inf", std::numeric_limits<double>::infinity()},
                          {"keys", Dict{{1, Value()}, {"$a", true}}}};
  EXPECT_THAT(file->root, IsValue(want));
  EXPECT_THAT(file->file_metadata, IsValue(Dict{})) << "the tree is no metadata of the file";
}

TEST(SafetensorsTree, IsRefusedWhenDamaged) {
  constexpr std::pair<const char*, const char*> kCases[] = {
      {"{", "not valid JSON"},
      {"{}", "leaves a tensor of the file out"},
      {R"({"a":{"$tensor":"u"}})", "there is no tensor \"u\""},
      {R"({"a":{"$tensor":1}})", "no known tag"},
      {R"({"a":{"$eval":"1"}})", "\"$eval\" is no known tag"},
      {R"({"a":{"$tuple":"1"}})", "no known tag"},
      {R"({"$a":1,"b":2})", "a tag among other keys"},
      {R"({"a":{"$bytes":"0"}})", "bytes of half a byte"},
      {R"({"a":{"$bytes":"0x"}})", "not hexadecimal"},
      {R"({"a":{"$int":"1e5"}})", "an integer that is none"},
      {R"({"a":{"$float":"7ff0"}})", "a float that is none"},
      {R"({"a":{"$int":"-"}})", "an integer that is none"},
      {R"({"a":{"$dict":[1]}})", "something else than pairs"},
      {R"({"a":{"$dict":[[[1],2]]}})", "a key is of type list"},
  };
  for (const auto& [tree, words] : kCases) {
    EXPECT_THAT(read_text(with_tree(tree)), HasError(ErrorCode::kCorrupt, words)) << tree;
  }
}

}  // namespace
}  // namespace wakebuilder::test
