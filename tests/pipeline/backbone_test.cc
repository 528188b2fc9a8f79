// `wakebuilder backbone import`: the speech embedding from the file that it is published in.
#include "wakebuilder/pipeline/backbone.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/pipeline/load.h"
#include "wakebuilder/runtime/onnxruntime.h"

#include "pipeline/golden.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using test::data;
using test::HasError;
using test::IsOk;

using Weights = std::map<std::string, std::vector<float>>;

Weights weights_of(const model::SpeechEmbedding<model::Parameter>& embedding) {
  Weights weights;
  model::visit(embedding, "",
               [&](const std::string& name, const model::Parameter& weight, const core::Shape&) {
                 const auto values = weight.tensor.as<float>();
                 weights[name].assign(values.begin(), values.end());
               });
  return weights;
}

/// Skips without the published file or ONNX Runtime.
class Backbone : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(original_))
      GTEST_SKIP() << original_ << " is not there; scripts/setup.sh fetches it";
    if (!runtime::OnnxRuntime::load()) GTEST_SKIP() << "ONNX Runtime is not there";
  }

  const fs::path original_ = WAKEBUILDER_SPEECH_EMBEDDING;
  test::TemporaryFolder folder_;
};

TEST_F(Backbone, ImportsAndProvesTheSpeechEmbedding) {
  const fs::path output = folder_ / "backbone.safetensors";
  const auto report = import_backbone(original_, output);
  ASSERT_THAT(report, IsOk());
  EXPECT_GT(report->max_scaled_diff, 0);
  EXPECT_LT(report->max_scaled_diff, kBackboneTolerance);
  EXPECT_EQ(report->bytes, fs::file_size(output));
  EXPECT_EQ(report->tensors, 40U);  // 20 kernels, 18 biases, scale and shift
  EXPECT_THAT(report->compared_with, ::testing::HasSubstr("ONNX Runtime"));
  EXPECT_EQ(report->source_sha256,
            "ba754db3cd768a524c655ea90655ee5e6055a43b8dfd29366a11e93716ae9e51");
}

TEST_F(Backbone, HasTheWeightsThatTheResearchCodeTookFromTheSameFile) {
  const fs::path output = folder_ / "backbone.safetensors";
  ASSERT_THAT(import_backbone(original_, output), IsOk());
  const auto imported = load_backbone(output);
  ASSERT_THAT(imported, IsOk());
  const auto trained = load_network(data("compact/computer.pt"));
  ASSERT_THAT(trained, IsOk());
  const Weights found = weights_of(*imported);
  const Weights wanted =
      weights_of(std::get<model::CompactClassifier>(trained->network).network.backbone);
  ASSERT_EQ(found.size(), wanted.size());
  for (const auto& [name, values] : wanted) {
    if (!name.starts_with("norm_0")) {
      EXPECT_EQ(found.at(name), values) << name;
      continue;
    }
    // The research code folds the batch norm in float32, this library in double: one rounding of
    // mean * scale, which is of the size of 1, lies between them.
    EXPECT_LT(test::scaled_difference(found.at(name), {values.begin(), values.end()}), 0x1p-23)
        << name;
  }
}

TEST_F(Backbone, TheSameFileGivesTheSameBytes) {
  ASSERT_THAT(import_backbone(original_, folder_ / "a.safetensors"), IsOk());
  ASSERT_THAT(import_backbone(original_, folder_ / "b.safetensors"), IsOk());
  EXPECT_EQ(test::read(folder_ / "a.safetensors"), test::read(folder_ / "b.safetensors"));
}

TEST_F(Backbone, ATornFileIsNamed) {
  const fs::path torn = folder_ / "torn.onnx";
  test::write(torn, test::read(original_).substr(0, 700'000));
  EXPECT_THAT(import_backbone(torn, folder_ / "out.safetensors"),
              HasError(ErrorCode::kCorrupt, "torn.onnx: "));
  EXPECT_THAT(folder_.names(), ::testing::ElementsAre("torn.onnx"));
}

TEST_F(Backbone, OnlyACheckpointIsReplaced) {
  const fs::path output = folder_ / "mine.safetensors";
  test::write(output, "my notes");
  EXPECT_THAT(import_backbone(original_, output),
              HasError(ErrorCode::kInvalidArgument, "is there already and is no checkpoint"));
  EXPECT_EQ(test::read(output), "my notes");
  EXPECT_THAT(import_backbone(original_, output, true), IsOk());
  EXPECT_THAT(import_backbone(original_, output), IsOk());
}

TEST(BackboneErrors, NameTheFirstWeightThatAnotherModelLacks) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(import_backbone(data("onnx/minimal_gemm.onnx"), folder / "out.safetensors"),
              HasError(ErrorCode::kMismatch,
                       "Conv2D/ReadVariableOp:0: expected float32 [24, 1, 3, 3] of the speech "
                       "embedding, found no such weight"));
  EXPECT_THAT(import_backbone(data("onnx/no_graph.onnx"), folder / "out.safetensors"),
              HasError(ErrorCode::kMismatch, "expected a graph, found none"));
  EXPECT_THAT(folder.names(), ::testing::IsEmpty());
}

TEST(BackboneErrors, NameTheFilesThatCannotBe) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(
      import_backbone(data("onnx/minimal_gemm.onnx"), folder / "out.onnx"),
      HasError(ErrorCode::kInvalidArgument, "out.onnx: expected a name that ends in .safetensors"));
  EXPECT_THAT(import_backbone(folder / "none.onnx", folder / "out.safetensors"),
              HasError(ErrorCode::kNotFound, "none.onnx"));
  EXPECT_THAT(load_backbone(data("ast/tiny128/backbone/model.safetensors")),
              HasError(ErrorCode::kMismatch, "model.safetensors: "));
}

}  // namespace
}  // namespace wakebuilder::pipeline
