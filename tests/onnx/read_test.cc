#include "wakebuilder/onnx/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/models.h"
#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::onnx {
namespace {

using namespace std::string_literals;
using test::HasError;
using test::IsOk;
using test::onnx_data;
using test::parse;

TEST(ReadModel, ReadsEveryFieldOfASmallModel) {
  const auto model = read_model(onnx_data("minimal_gemm.onnx"));
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->ir_version, 8);
  EXPECT_EQ(model->producer_name, "golden");
  EXPECT_EQ(model->opset(), 17);
  ASSERT_TRUE(model->graph);
  EXPECT_EQ(model->graph->name, "minimal");
  ASSERT_EQ(model->graph->nodes.size(), 2U);
  EXPECT_EQ(model->graph->nodes[0].op_type, "Gemm");
  EXPECT_EQ(model->graph->nodes[0].inputs, (std::vector<std::string>{"X", "W", "B"}));
  EXPECT_EQ(model->graph->nodes[1].outputs, (std::vector<std::string>{"Y"}));
  ASSERT_EQ(model->graph->initializers.size(), 2U);
  EXPECT_EQ(model->graph->initializers[0].dims, (std::vector<std::int64_t>{4, 2}));
  EXPECT_EQ(model->graph->initializers[0].data_type, kFloat);
  EXPECT_EQ(model->graph->initializers[0].raw_data->bytes.size(), 32U);
  const auto& shape = *model->graph->inputs[0].type->shape;
  EXPECT_EQ(shape[0].param, "batch");
  EXPECT_EQ(shape[1].value, 4);
}

TEST(ReadModel, LeavesWeightsWhereTheyAre) {
  const auto bytes =
      std::make_shared<const std::string>(test::file_bytes(onnx_data("minimal_gemm.onnx")));
  const auto model = parse_model(std::as_bytes(std::span(*bytes)), bytes);
  ASSERT_THAT(model, IsOk());
  const auto& raw = *model->graph->initializers[0].raw_data;
  const auto* begin = reinterpret_cast<const std::byte*>(bytes->data());
  EXPECT_TRUE(raw.bytes.data() > begin && raw.bytes.data() < begin + bytes->size());
  EXPECT_EQ(raw.owner, bytes);
}

TEST(ReadModel, ReadsTypedDataOfEveryElementType) {
  const auto model = read_model(onnx_data("every_type.onnx"));
  ASSERT_THAT(model, IsOk());
  const auto tensor = [&](const std::string& name) {
    const auto& list = model->graph->initializers;
    return *std::find_if(list.begin(), list.end(), [&](const auto& t) { return t.name == name; });
  };
  EXPECT_EQ(tensor("type_1").float_data, (std::vector<float>{1, 0}));
  EXPECT_EQ(tensor("type_7").int64_data, (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(tensor("type_8").string_data, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(tensor("type_11").double_data, (std::vector<double>{1, 0}));
  EXPECT_EQ(tensor("type_12").uint64_data, (std::vector<std::uint64_t>{1, 0}));
  EXPECT_EQ(tensor("type_10").int32_data, (std::vector<std::int32_t>{0x3c00, 0}));
  EXPECT_EQ(tensor("type_15").double_data, (std::vector<double>{1, 0, 0, 0}));
  EXPECT_TRUE(tensor("scalar").dims.empty());
}

TEST(ReadModel, TakesRepeatedNumbersPackedOrNot) {
  // ModelProto{ir_version 8, graph{initializer{dims 2, dims 3 | packed [2, 3]}}}
  const auto unpacked = parse("\x08\x08\x3a\x06\x2a\x04\x08\x02\x08\x03"s);
  const auto packed = parse("\x08\x08\x3a\x06\x2a\x04\x0a\x02\x02\x03"s);
  ASSERT_THAT(unpacked, IsOk());
  ASSERT_THAT(packed, IsOk());
  EXPECT_EQ(unpacked->graph->initializers[0].dims, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(packed->graph->initializers[0].dims, (std::vector<std::int64_t>{2, 3}));
}

TEST(ReadModel, KeepsFieldsThatItDoesNotKnow) {
  const auto model = read_model(onnx_data("unknown_field.onnx"));
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->other_fields, "\xc2\xb8\x02\x05hello"s);
}

struct BadBytes {
  std::string name;
  std::string bytes;
  ErrorCode code;
  std::string sentence;
};

TEST(ReadModel, SaysWhatIsWrongAndWhere) {
  const std::vector<BadBytes> cases = {
      {"nothing", "", ErrorCode::kCorrupt, "is empty"},
      {"text", "This is no model.\n", ErrorCode::kUnsupported,
       "is not an ONNX model: looks like text"},
      {"a checkpoint", "PK\x03\x04\0\0\0\0\0\0"s, ErrorCode::kUnsupported,
       "looks like a PyTorch checkpoint or another ZIP archive"},
      {"an old checkpoint", "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."s,
       ErrorCode::kUnsupported, "looks like a pickle, as old PyTorch checkpoints are"},
      {"safetensors", "\x02\0\0\0\0\0\0\0{}"s, ErrorCode::kUnsupported, "looks like safetensors"},
      {"a pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
       ErrorCode::kUnsupported, "is a Git LFS pointer"},
      {"an ORT model", "\x1c\0\0\0ORTM\0\0\0\0"s, ErrorCode::kUnsupported,
       "looks like an ONNX Runtime model"},
      {"no field of a model", "\x6a\x01\x01"s, ErrorCode::kCorrupt,
       "it has no IR version, no opset and no graph"},
      {"half a graph", "\x08\x08\x3a\x10\x12\x01g"s, ErrorCode::kCorrupt,
       "is truncated at byte 7: field 7 of ModelProto needs 16 bytes, 3 are left"},
      {"half a number", "\x08\x88"s, ErrorCode::kCorrupt,
       "is truncated at byte 2: field 1 of ModelProto needs 1 bytes"},
      {"half a node", "\x08\x08\x3a\x04\x0a\x09\x1a\x01"s, ErrorCode::kCorrupt,
       "is corrupt at byte 4: field 1 of GraphProto needs 9 bytes, 2 are left"},
      {"a long number", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s, ErrorCode::kCorrupt,
       "a number is longer than ten bytes"},
      {"field 0", "\x08\x08\x02\x01z"s, ErrorCode::kCorrupt,
       "is corrupt at byte 2: no field of ModelProto begins there"},
      {"a wire type of no kind", "\x08\x08\x0f"s, ErrorCode::kCorrupt,
       "no field of ModelProto begins there"},
      {"the graph as a number", "\x08\x08\x38\x01"s, ErrorCode::kCorrupt,
       "field 7 of ModelProto: expected wire type 2, found 0"},
      {"three bytes of floats", "\x08\x08\x3a\x07\x2a\x05\x22\x03\x01\x02\x03"s,
       ErrorCode::kCorrupt, "field 4 of TensorProto: expected a multiple of 4 bytes, found 3"},
      {"an end without a group", "\x08\x08\x54"s, ErrorCode::kCorrupt,
       "a group ends that did not begin"},
      {"two graphs in one attribute", "\x08\x08\x3a\x08\x0a\x06\x2a\x04\x32\0\x32\0"s,
       ErrorCode::kCorrupt, "field 6 of AttributeProto: is given twice"},
      {"a type of two kinds", "\x08\x08\x3a\x08\x5a\x06\x12\x04\x22\0\x0a\0"s, ErrorCode::kCorrupt,
       "a type has two kinds, sequence and tensor"},
  };
  for (const BadBytes& bad : cases) {
    EXPECT_THAT(parse(bad.bytes), HasError(bad.code, bad.sentence)) << bad.name;
  }
}

// Found by fuzzing: bytes 4 to 7 are the mark of an ORT file, and the model is sound protobuf.
TEST(ReadModel, TakesAModelThatHasTheMarkOfAnotherFormat) {
  EXPECT_THAT(parse("\x08\x06\x69~ORTM+\x0a\x02"s), IsOk());
}

TEST(ReadModel, SkipsGroups) {
  const auto model = parse("\x08\x08\x53\x0a\x01x\x5b\x08\x01\x5c\x54"s);
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->other_fields, "\x53\x0a\x01x\x5b\x08\x01\x5c\x54"s);
}

TEST(ReadModel, NestsNoDeeperThanProtobuf) {
  EXPECT_THAT(read_model(onnx_data("deep_subgraphs.onnx")),
              HasError(ErrorCode::kCorrupt, "messages nest deeper than 100"));
  // A node holds an attribute holds a graph: three messages a round, and the graph itself.
  const auto wrap = [](char tag, const std::string& inner) {
    std::string length;
    std::size_t n = inner.size();
    for (; n >= 0x80; n >>= 7U) length += static_cast<char>(n | 0x80U);
    length += static_cast<char>(n);
    return std::string(1, tag) + length + inner;
  };
  const auto model_around = [&](std::string graph) {
    for (int i = 0; i < 33; ++i) graph = wrap('\x0a', wrap('\x2a', wrap('\x32', graph)));
    return "\x08\x08"s + wrap('\x3a', graph);
  };
  EXPECT_THAT(parse(model_around("")), IsOk());
  EXPECT_THAT(parse(model_around("\x0a\x00"s)), HasError(ErrorCode::kCorrupt, "nest deeper"));
}

TEST(ReadModel, RefusesFilesThatUnpackToFarMoreThanTheirSize) {
  // A million empty nodes of two bytes each.
  std::string nodes;
  for (int i = 0; i < 1'000'000; ++i) nodes += "\x0a\x00"s;
  const std::string model = "\x08\x08\x3a\x80\x89\x7a"s + nodes;
  EXPECT_THAT(parse(model),
              HasError(ErrorCode::kCorrupt, "far more memory than its size explains"));
}

TEST(ReadModel, NamesTheFile) {
  const test::TemporaryFolder folder;
  test::write(folder / "empty.onnx", "");
  EXPECT_THAT(read_model(folder / "empty.onnx"),
              HasError(ErrorCode::kCorrupt, "empty.onnx: is empty"));
  EXPECT_THAT(read_model(folder / "absent.onnx"), HasError(ErrorCode::kNotFound, "absent.onnx"));
  EXPECT_THAT(read_model(folder.path()), HasError(ErrorCode::kUnsupported, "found a folder"));
}

TEST(ReadModel, SurvivesEveryPrefix) {
  const std::string whole = test::file_bytes(onnx_data("minimal_gemm.onnx"));
  ASSERT_EQ(whole.size(), 191U);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto model = parse(whole.substr(0, size));
    if (!model) {
      EXPECT_FALSE(model.error().message.empty());
    }
  }
}

}  // namespace
}  // namespace wakebuilder::onnx
