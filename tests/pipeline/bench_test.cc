#include "wakebuilder/pipeline/bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/golden.h"
#include "pipeline/write_model.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

using test::data;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;
using test::write_model;

BenchOptions quick() { return {.threads = {1}, .batches = {1}, .seconds = 0.01}; }

TEST(Bench, MeasuresWindowsAndListening) {
  const TemporaryFolder folder;
  const auto model = write_model("compact/computer.pt", folder / "computer.onnx");
  BenchOptions options = quick();
  options.batches = {1, 2};
  options.threads = {1, 2};
  std::size_t told = 0;
  const auto report = bench(model, options, [&](std::size_t next, std::size_t all) {
    EXPECT_EQ(next, told++);
    EXPECT_EQ(all, 5U);
  });
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(told, 5U);
  ASSERT_EQ(report->rows.size(), 4U);
  for (const BenchRow& row : report->rows) {
    EXPECT_EQ(row.model, "computer");
    EXPECT_EQ(row.provider, "cpu");
    EXPECT_GE(row.runs, 10U);
    EXPECT_GT(row.median_us, 0);
    EXPECT_GE(row.p99_us, row.median_us);
    EXPECT_GT(row.rss_bytes, 1'000'000U);
  }
  EXPECT_EQ(report->rows[3].threads, 2);
  EXPECT_EQ(report->rows[3].batch, 2);
  ASSERT_TRUE(report->live);
  EXPECT_TRUE(report->live->stream);
  EXPECT_GT(report->live->first_score_ms, 0);
  EXPECT_GT(report->live->real_time, 0);
}

TEST(Bench, MeasuresHeadsWhichHearNothing) {
  const TemporaryFolder folder;
  const auto model = write_model("checkpoints/combos/attention-se.pt", folder / "head.onnx");
  const auto report = bench(model, quick());
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->rows.size(), 1U);
  EXPECT_FALSE(report->live);
}

TEST(Bench, MeasuresStreams) {
  const TemporaryFolder folder;
  const auto model = write_model("compact/computer.pt", folder / "computer.stream.onnx",
                                 {.variant = {.stream = true}});
  const auto report = bench(model, quick());
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->live);
}

TEST(Bench, RefusesWhatItCannotMeasure) {
  const TemporaryFolder folder;
  EXPECT_THAT(bench(folder / "none.onnx"), HasError(ErrorCode::kNotFound, "none.onnx"));
  EXPECT_THAT(bench(data("compact/computer.pt")), HasError(ErrorCode::kUnsupported, "computer.pt"));
  const auto model = write_model("compact/computer.pt", folder / "computer.onnx");
  EXPECT_THAT(bench(model, {.threads = {0}}),
              HasError(ErrorCode::kInvalidArgument, "threads: expected 1 to 256, found 0"));
  EXPECT_THAT(bench(model, {.batches = {0}}), HasError(ErrorCode::kInvalidArgument, "batch"));
  EXPECT_THAT(bench(model, {.seconds = 0}), HasError(ErrorCode::kInvalidArgument, "seconds"));
  EXPECT_THAT(bench(model, {.onnxruntime = folder / "none.so"}),
              HasError(ErrorCode::kUnavailable, "none.so"));
}

}  // namespace
}  // namespace wakebuilder::pipeline
