#include "wakebuilder/pipeline/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/golden.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

using test::data;
using test::HasError;
using test::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Inspect, ListsTensorsAndMetadataOfACheckpoint) {
  const auto inspection = inspect(data("checkpoints/combos/attention-se-tcn.pt"));
  ASSERT_THAT(inspection, IsOk());
  EXPECT_EQ(inspection->format, "PyTorch zip");
  EXPECT_EQ(inspection->architecture, "WakeBuilder head 64 → 32 → 16 → 2, attention, SE, TCN");
  EXPECT_EQ(inspection->tensors[0].name, "input_norm.weight");
  EXPECT_EQ(inspection->tensors[0].shape, (std::vector<std::int64_t>{64}));
  EXPECT_EQ(inspection->tensors[0].dtype, "float32");
  EXPECT_NE(inspection->metadata.find("training_config"), nullptr);
  EXPECT_FALSE(inspection->opset.has_value());
}

TEST(Inspect, TellsKindsByContent) {
  EXPECT_EQ(inspect(data("checkpoints/encodings/legacy.pt"))->format,
            "PyTorch legacy (before 1.6)");
  EXPECT_EQ(inspect(data("checkpoints/combos/se.expected.safetensors"))->format, "safetensors");
  EXPECT_EQ(inspect(data("onnx/minimal_gemm.onnx"))->format, "ONNX");
}

TEST(Inspect, SaysWhyACheckpointIsNoHead) {
  const auto inspection = inspect(data("checkpoints/refuse/tc-resnet.pt"));
  ASSERT_THAT(inspection, IsOk());
  EXPECT_THAT(inspection->architecture, StartsWith("not a WakeBuilder head: model_type"));
  EXPECT_FALSE(inspection->tensors.empty());
}

TEST(Inspect, ShowsTensorsThatAreNoWeightsUnderTheirPath) {
  const auto inspection = inspect(data("checkpoints/refuse/sparse-weight.pt"));
  ASSERT_THAT(inspection, IsOk());
  EXPECT_THAT(inspection->architecture, HasSubstr("sparse"));
  EXPECT_FALSE(inspection->tensors.empty());
}

TEST(Inspect, SummarisesAGraph) {
  const auto inspection = inspect(data("onnx/minimal_gemm.onnx"));
  ASSERT_THAT(inspection, IsOk());
  EXPECT_EQ(inspection->opset, 17);
  EXPECT_EQ(inspection->nodes, 2U);
  ASSERT_EQ(inspection->inputs.size(), 1U);
  EXPECT_EQ(inspection->inputs[0].name, "X");
  EXPECT_EQ(inspection->inputs[0].dtype, "float");
  EXPECT_THAT(inspection->inputs[0].shape, ElementsAre("batch", "4"));
  EXPECT_THAT(inspection->operators, ElementsAre(std::pair<std::string, std::size_t>("Gemm", 1),
                                                 std::pair<std::string, std::size_t>("Relu", 1)));
  EXPECT_THAT(inspection->graph_text, HasSubstr("Gemm"));
}

TEST(Inspect, RefusesWhatItCannotReadWithTheErrorOfTheKindItSeemsToBe) {
  EXPECT_THAT(inspect(data("onnx/truncated.onnx")), ::testing::Not(IsOk()));
  EXPECT_THAT(inspect(data("hostile/global-os-system.pt")),
              HasError(ErrorCode::kUnsupported, "os.system"));
  EXPECT_THAT(inspect(data("hostile/wrong-extension.onnx")), ::testing::Not(IsOk()));
  EXPECT_THAT(inspect("/nowhere"), HasError(ErrorCode::kNotFound, "no such file"));
}

TEST(Draw, DrawsModelsAndRefusesCheckpoints) {
  const auto svg = draw(data("onnx/minimal_gemm.onnx"));
  ASSERT_THAT(svg, IsOk());
  EXPECT_THAT(*svg, HasSubstr("<svg"));
  EXPECT_THAT(*svg, HasSubstr("Gemm"));
  EXPECT_THAT(draw(data("checkpoints/combos/se.pt")),
              HasError(ErrorCode::kUnsupported, "found a checkpoint; export it first"));
}

}  // namespace
}  // namespace wakebuilder::pipeline
