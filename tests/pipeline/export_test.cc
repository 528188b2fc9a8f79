#include "wakebuilder/pipeline/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/sha256.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/pipeline/validate.h"

#include "pipeline/golden.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

using test::data;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Exports are proved with ONNX Runtime: without it there is nothing to test.
class Export : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto runtime = runtime::OnnxRuntime::load();
    if (!runtime) GTEST_SKIP() << runtime.error().message;
  }

  TemporaryFolder folder_;
  std::filesystem::path checkpoint_ = data("checkpoints/combos/attention-se-tcn.pt");
  std::filesystem::path output_ = folder_ / "jarvis.onnx";
};

TEST_F(Export, WritesOneCheckedFileAndNothingElse) {
  const auto report = export_onnx(checkpoint_, output_);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(folder_.names(), ElementsAre("jarvis.onnx"));
  EXPECT_TRUE(report->validation.passed);
  EXPECT_LE(report->validation.max_abs_diff, 1e-5);
  EXPECT_EQ(report->validation.batches.size(), 3U);
  EXPECT_THAT(report->judges, Contains(HasSubstr("ONNX Runtime")));
  EXPECT_THAT(report->judges, Contains("structure"));
}

TEST_F(Export, ReportsSizeAndFingerprintOfTheFile) {
  const auto report = export_onnx(checkpoint_, output_);
  ASSERT_THAT(report, IsOk());
  const std::string bytes = test::read(output_);
  EXPECT_EQ(report->bytes, bytes.size());
  EXPECT_EQ(report->sha256, core::sha256_hex(std::as_bytes(std::span(bytes))));
  const std::string source = test::read(checkpoint_);
  EXPECT_EQ(report->checkpoint_sha256, core::sha256_hex(std::as_bytes(std::span(source))));
}

TEST_F(Export, TheSameInputAndOptionsGiveTheSameBytes) {
  ASSERT_THAT(export_onnx(checkpoint_, output_), IsOk());
  ASSERT_THAT(export_onnx(checkpoint_, folder_ / "again.onnx"), IsOk());
  EXPECT_EQ(test::read(output_), test::read(folder_ / "again.onnx"));
}

TEST_F(Export, WritesTheMetadataThatEnginesNeed) {
  ASSERT_THAT(export_onnx(checkpoint_, output_, {.opset = 18}), IsOk());
  const auto model = onnx::read_model(output_);
  ASSERT_THAT(model, IsOk());
  for (const char* key :
       {"wake_word", "threshold", "labels", "sample_rate", "graph", "precision", "opset",
        "checkpoint_sha256", "wakebuilder_version", "max_abs_diff", "atol"}) {
    EXPECT_NE(model->metadata(key), nullptr) << key;
  }
  EXPECT_EQ(*model->metadata("opset"), "18");
  EXPECT_EQ(*model->metadata("base_model"), "MIT/ast-finetuned-speech-commands-v2");
  EXPECT_EQ(*model->metadata("frames"), "128");
  EXPECT_EQ(*model->metadata("feature_mean"), "-6.845978");
}

TEST_F(Export, TheAppendedRecordLeavesTheFileAsTheWriterWouldWriteIt) {
  ASSERT_THAT(export_onnx(checkpoint_, output_), IsOk());
  const auto model = onnx::read_model(output_);
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(onnx::serialize(*model), test::read(output_));
}

TEST_F(Export, FoldingIsOnUnlessSwitchedOff) {
  const auto folded = export_onnx(checkpoint_, output_);
  const auto faithful = export_onnx(checkpoint_, folder_ / "faithful.onnx", {.fold = false});
  ASSERT_THAT(folded, IsOk());
  ASSERT_THAT(faithful, IsOk());
  EXPECT_LT(folded->bytes * 2, faithful->bytes);
  EXPECT_LT(folded->nodes, faithful->nodes);
}

TEST_F(Export, PutsWeightsBesideTheModelOnRequest) {
  const auto report = export_onnx(checkpoint_, output_, {.external_data = "jarvis.data"});
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(folder_.names(), ElementsAre("jarvis.data", "jarvis.onnx"));
  EXPECT_EQ(report->bytes, std::filesystem::file_size(output_) +
                               std::filesystem::file_size(folder_ / "jarvis.data"));
  const auto valid = validate(output_, {.checkpoint = checkpoint_});
  ASSERT_THAT(valid, IsOk());
  EXPECT_TRUE(valid->valid);
}

TEST_F(Export, NeverOverwritesExternalDataUnasked) {
  test::write(folder_ / "jarvis.data", "somebody's");
  EXPECT_THAT(export_onnx(checkpoint_, output_, {.external_data = "jarvis.data"}),
              HasError(ErrorCode::kInvalidArgument, "is there already"));
  EXPECT_EQ(test::read(folder_ / "jarvis.data"), "somebody's");
  EXPECT_THAT(export_onnx(checkpoint_, output_, {.external_data = "../jarvis.data"}),
              HasError(ErrorCode::kInvalidArgument, "expected a file name beside the model"));
}

TEST_F(Export, AFailedExportWithExternalDataLeavesNothingBehind) {
  EXPECT_THAT(export_onnx(checkpoint_, output_, {.atol = 0, .external_data = "jarvis.data"}),
              HasError(ErrorCode::kCheckFailed, "allowed 0"));
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(Export, AMissNamesTheFirstLayerThatDiffersAndKeepsTheOldFile) {
  ASSERT_THAT(export_onnx(checkpoint_, output_), IsOk());
  const std::string old = test::read(output_);
  EXPECT_THAT(export_onnx(checkpoint_, output_, {.opset = 13, .atol = 0}),
              HasError(ErrorCode::kCheckFailed, "the first layer that differs is input_norm"));
  EXPECT_EQ(test::read(output_), old);
  EXPECT_THAT(folder_.names(), ElementsAre("jarvis.onnx"));
}

TEST_F(Export, ReplacesAnOlderModelButNothingElse) {
  ASSERT_THAT(export_onnx(checkpoint_, output_), IsOk());
  EXPECT_THAT(export_onnx(checkpoint_, output_, {.opset = 20}), IsOk());
  test::write(folder_ / "notes.txt", "shopping list");
  EXPECT_THAT(export_onnx(checkpoint_, folder_ / "notes.txt"),
              HasError(ErrorCode::kInvalidArgument, "is no ONNX model"));
  EXPECT_EQ(test::read(folder_ / "notes.txt"), "shopping list");
  EXPECT_THAT(export_onnx(checkpoint_, folder_ / "notes.txt", {.force = true}), IsOk());
}

TEST_F(Export, NeverWritesOverTheCheckpoint) {
  std::filesystem::copy_file(checkpoint_, folder_ / "jarvis.pt");
  const std::string before = test::read(folder_ / "jarvis.pt");
  EXPECT_THAT(export_onnx(folder_ / "jarvis.pt", folder_ / "jarvis.pt", {.force = true}),
              HasError(ErrorCode::kInvalidArgument, "is the checkpoint and cannot be the output"));
  EXPECT_THAT(
      export_onnx(folder_ / "jarvis.pt", output_, {.external_data = "jarvis.pt", .force = true}),
      HasError(ErrorCode::kInvalidArgument, "is the checkpoint and cannot be the output"));
  EXPECT_EQ(test::read(folder_ / "jarvis.pt"), before);
}

TEST_F(Export, SaysWhatIsWrongWithItsOptions) {
  EXPECT_THAT(export_onnx(checkpoint_, output_, {.opset = 12}),
              HasError(ErrorCode::kInvalidArgument, "opset: expected 13 to 21, found 12"));
  EXPECT_THAT(export_onnx(checkpoint_, output_, {.opset = 22}),
              HasError(ErrorCode::kInvalidArgument, "found 22"));
  EXPECT_THAT(export_onnx(checkpoint_, output_, {.atol = -1}),
              HasError(ErrorCode::kInvalidArgument, "atol"));
  EXPECT_THAT(export_onnx(folder_ / "absent.pt", output_),
              HasError(ErrorCode::kNotFound, "absent.pt: no such file"));
  EXPECT_THAT(export_onnx(checkpoint_, folder_ / "no" / "where.onnx"),
              HasError(ErrorCode::kNotFound, "its folder is not there"));
  EXPECT_THAT(export_onnx(checkpoint_, output_, {.onnxruntime = "/nowhere/libonnxruntime.so"}),
              HasError(ErrorCode::kUnavailable, "/nowhere/libonnxruntime.so"));
}

TEST_F(Export, ReadsSafetensorsAsWell) {
  // A state dict alone: the wake word is the file's name, the threshold one half.
  const auto source = data("checkpoints/layouts/bare.pt");
  const auto loaded = load_network(source);
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(std::get<model::Classifier>(loaded->network).wake_word, "bare");
  EXPECT_EQ(std::get<model::Classifier>(loaded->network).threshold, std::nullopt);
}

}  // namespace
}  // namespace wakebuilder::pipeline
