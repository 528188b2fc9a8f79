#include "wakebuilder/onnx/write.h"

#include <gtest/gtest.h>

#include "wakebuilder/onnx/print.h"

#include "onnx/models.h"
#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::onnx {
namespace {

using namespace std::string_literals;
using test::HasError;
using test::IsOk;
using test::parse;

std::vector<std::filesystem::path> readable_models() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(test::onnx_data(""))) {
    if (entry.path().extension() == ".onnx" && read_model(entry.path()))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(WriteModel, WritesWhatReadsBackTheSame) {
  const auto files = readable_models();
  EXPECT_EQ(files.size(), 48U);  // of 52; the others cannot be read
  for (const auto& file : files) {
    const auto model = read_model(file);
    const std::string bytes = serialize(*model);
    EXPECT_EQ(bytes.size(), serialized_size(*model)) << file;
    const auto again = parse(bytes);
    ASSERT_THAT(again, IsOk()) << file;
    EXPECT_EQ(serialize(*again), bytes) << file;
    if (model->graph) {
      EXPECT_EQ(printable_graph(*again->graph), printable_graph(*model->graph)) << file;
    }
  }
}

// protobuf writes in the same order, so the only bytes to lose are empty texts.
TEST(WriteModel, LosesNothingOfOtherMakersFiles) {
  for (const std::string name :
       {"torchscript_opset14", "torchscript_opset17", "float16", "quantize_dynamic_qint8"}) {
    const std::string original = test::file_bytes(test::onnx_data(name + ".onnx"));
    EXPECT_EQ(serialize(*parse(original)).size(), original.size()) << name;
  }
}

TEST(WriteModel, WritesFieldsByTheirNumber) {
  ModelProto model;
  model.ir_version = 8;
  model.producer_name = "p";
  model.opset_imports = {{"", 17}, {"x", 1}};
  model.metadata_props = {{"k", ""}};
  EXPECT_EQ(serialize(model),
            "\x08\x08"          // ir_version
            "\x12\x01p"         // producer_name
            "\x42\x02\x10\x11"  // opset_import {version 17}
            "\x42\x05\x0a\x01x\x10\x01"
            "\x72\x05\x0a\x01k\x12\x00"s);
}

TEST(WriteModel, WritesTheValueOfAnAttributeAlsoWhenItIsZero) {
  ModelProto model = test::small_model();
  model.graph->nodes[0].attributes = {test::int_attribute("transA", 0)};
  const auto again = parse(serialize(model));
  ASSERT_THAT(again, IsOk());
  const AttributeProto& attribute = again->graph->nodes[0].attributes[0];
  EXPECT_EQ(attribute.type, 2);
  EXPECT_NE(attribute.present & (1U << 3U), 0U);
}

TEST(WriteModel, WritesTensorsAndGraphsOfAttributes) {
  ModelProto model = test::small_model();
  AttributeProto value;
  value.name = "value";
  value.type = 4;
  value.tensors = {test::float_tensor("", {1}, {3})};
  model.graph->nodes[0].attributes = {value,
                                      test::graph_attribute("body", *test::small_model().graph)};
  const auto again = parse(serialize(model));
  ASSERT_THAT(again, IsOk());
  const auto& attributes = again->graph->nodes[0].attributes;
  ASSERT_EQ(attributes[0].tensors.size(), 1U);
  EXPECT_EQ(attributes[0].tensors[0].raw_data->bytes.size(), 4U);
  ASSERT_EQ(attributes[1].graphs.size(), 1U);
  EXPECT_EQ(attributes[1].graphs[0].name, "small");
}

TEST(WriteModel, WritesNegativeNumbersInTenBytes) {
  ModelProto model = test::small_model();
  TensorProto& weight = model.graph->initializers[0];
  weight.raw_data.reset();
  weight.data_type = kInt32;
  weight.int32_data = {-1, 127, 128};
  const auto again = parse(serialize(model));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->graph->initializers[0].int32_data, (std::vector<std::int32_t>{-1, 127, 128}));
}

TEST(WriteModel, StreamsToTheSameBytes) {
  const test::TemporaryFolder folder;
  ModelProto model = test::small_model();
  model.graph->initializers.push_back(
      test::float_tensor("large", {50000}, std::vector<float>(50000, 1.5F)));
  auto file = core::StagedFile::create(folder / "m.onnx");
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(write_model(*file, model), IsOk());
  ASSERT_THAT(file->publish(), IsOk());
  EXPECT_EQ(test::read(folder / "m.onnx"), serialize(model));
}

TEST(WriteModel, RefusesMoreThanProtobufTakes) {
  const test::TemporaryFolder folder;
  ModelProto model = test::small_model();
  test::write(folder / "large", "");
  std::filesystem::resize_file(folder / "large",
                               std::uintmax_t{3} << 30U);  // takes no room: all holes
  const auto large = core::MappedFile::open(folder / "large");
  ASSERT_THAT(large, IsOk());
  model.graph->initializers[0].raw_data = Blob{(*large)->bytes(), *large};
  auto file = core::StagedFile::create(folder / "m.onnx");
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(write_model(*file, model), HasError(ErrorCode::kUnsupported, "at most 2147483647"));
}

}  // namespace
}  // namespace wakebuilder::onnx
