#include "wakebuilder/pipeline/validate.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/pipeline/export.h"

#include "pipeline/golden.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

using test::data;
using test::HasError;
using test::IsOk;
using ::testing::Contains;
using ::testing::HasSubstr;

bool has_runtime() { return runtime::OnnxRuntime::load().has_value(); }

/// File and verdict ("yes" or "no") of tests/data/onnx/index.tsv.
std::vector<std::pair<std::string, std::string>> foreign_models() {
  std::ifstream index(data("onnx/index.tsv"));
  std::vector<std::pair<std::string, std::string>> models;
  std::string line;
  std::getline(index, line);  // heading
  while (std::getline(index, line)) {
    std::istringstream columns(line);
    std::string file;
    std::string valid;
    std::getline(columns, file, '\t');
    std::getline(columns, valid, '\t');
    models.emplace_back(file, valid);
  }
  return models;
}

TEST(Validate, GivesEveryForeignModelTheVerdictOfTheIndex) {
  if (!has_runtime()) GTEST_SKIP() << "ONNX Runtime is not there";
  const auto models = foreign_models();
  EXPECT_GE(models.size(), 50U);
  for (const auto& [file, valid] : models) {
    const auto report = validate(data("onnx/" + file));
    if (valid == "yes") {
      ASSERT_THAT(report, IsOk()) << file;
      EXPECT_TRUE(report->valid) << file << ": "
                                 << (report->findings.empty() ? "" : report->findings[0].message);
    } else {
      EXPECT_FALSE(report && report->valid) << file;
    }
  }
}

TEST(Validate, SaysWhoJudged) {
  if (!has_runtime()) GTEST_SKIP() << "ONNX Runtime is not there";
  const auto report = validate(data("onnx/minimal_gemm.onnx"));
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->judges, Contains("structure"));
  EXPECT_THAT(report->judges, Contains(HasSubstr("ONNX checker")));
  EXPECT_THAT(report->judges, Contains(HasSubstr("ONNX Runtime")));
}

TEST(Validate, AnOperatorOfSomebodyElseIsAWarning) {
  if (!has_runtime()) GTEST_SKIP() << "ONNX Runtime is not there";
  const auto report = validate(data("onnx/unknown_domain.onnx"));
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->valid);
  EXPECT_THAT(report->findings,
              Contains(::testing::Field(&core::Finding::message, HasSubstr("cannot run here"))));
}

TEST(Validate, WithoutARuntimeTheOthersJudgeAndSaySo) {
  const auto report =
      validate(data("onnx/minimal_gemm.onnx"), {.onnxruntime = "/nowhere/libonnxruntime.so"});
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->valid);
  EXPECT_THAT(report->findings,
              Contains(::testing::Field(&core::Finding::message, HasSubstr("did not judge"))));
}

TEST(Validate, ComparesWithTheCheckpointAndWithStoredActivations) {
  if (!has_runtime()) GTEST_SKIP() << "ONNX Runtime is not there";
  const test::TemporaryFolder folder;
  const auto checkpoint = data("checkpoints/combos/se-tcn.pt");
  ASSERT_THAT(export_onnx(checkpoint, folder / "m.onnx"), IsOk());
  const auto report = validate(
      folder / "m.onnx", {.checkpoint = checkpoint,
                          .activations = data("checkpoints/combos/se-tcn.expected.safetensors")});
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->valid);
  ASSERT_EQ(report->validations.size(), 2U);
  EXPECT_EQ(report->validations[1].reference, "se-tcn.expected.safetensors");
}

TEST(Validate, AModelOfAnotherCheckpointIsNotValid) {
  if (!has_runtime()) GTEST_SKIP() << "ONNX Runtime is not there";
  const test::TemporaryFolder folder;
  ASSERT_THAT(export_onnx(data("checkpoints/encodings/protocol-2.pt"), folder / "m.onnx"), IsOk());
  const auto report =
      validate(folder / "m.onnx", {.checkpoint = data("checkpoints/layouts/data-parallel.pt")});
  ASSERT_THAT(report, IsOk());
  EXPECT_FALSE(report->valid);
  EXPECT_THAT(report->findings,
              Contains(::testing::Field(&core::Finding::message,
                                        HasSubstr("the first layer that differs is"))));
}

TEST(Validate, AgreesWithForeignExportersOfTheSameHead) {
  if (!has_runtime()) GTEST_SKIP() << "ONNX Runtime is not there";
  for (const char* file : {"torchscript_opset14.onnx", "torchscript_opset17.onnx",
                           "dynamo_opset18.onnx", "dynamo_default.onnx", "dynamo_external.onnx"}) {
    const auto report = validate(data(std::string("onnx/") + file),
                                 {.activations = data("onnx/expected.safetensors")});
    ASSERT_THAT(report, IsOk()) << file;
    EXPECT_TRUE(report->valid) << file;
    EXPECT_LE(report->validations.at(0).max_abs_diff, 1e-5) << file;
  }
}

TEST(Validate, ABrokenModelIsNotCompared) {
  const auto report =
      validate(data("onnx/cycle.onnx"), {.checkpoint = data("checkpoints/combos/se.pt")});
  ASSERT_THAT(report, IsOk());
  EXPECT_FALSE(report->valid);
  EXPECT_THAT(report->findings,
              Contains(::testing::Field(&core::Finding::message, HasSubstr("was not possible"))));
}

TEST(Validate, WhatIsNoModelIsAnError) {
  EXPECT_THAT(validate(data("checkpoints/combos/se.pt")), ::testing::Not(IsOk()));
  EXPECT_THAT(validate("/nowhere/m.onnx"),
              HasError(ErrorCode::kNotFound, "/nowhere/m.onnx: no such file"));
}

}  // namespace
}  // namespace wakebuilder::pipeline
