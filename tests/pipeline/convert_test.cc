#include "wakebuilder/pipeline/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/golden.h"
#include "support/temporary_folder.h"
#include "support/values.h"

namespace wakebuilder::pipeline {
namespace {

using test::data;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;

core::Value root_of(const std::filesystem::path& file) {
  const auto read = checkpoint::read(file);
  EXPECT_THAT(read, IsOk());
  return read ? read->root : core::Value();
}

TEST(Convert, EveryGoldenCheckpointGoesToSafetensorsAndBackWithoutLoss) {
  for (const auto& golden : test::golden_cases()) {
    const TemporaryFolder folder;
    ASSERT_THAT(convert(golden.checkpoint, folder / "a.safetensors"), IsOk()) << golden.checkpoint;
    ASSERT_THAT(convert(folder / "a.safetensors", folder / "b.pt"), IsOk()) << golden.checkpoint;
    EXPECT_EQ(test::difference(root_of(golden.checkpoint), root_of(folder / "b.pt")), "")
        << golden.checkpoint;
    EXPECT_THAT(folder.names(), ::testing::ElementsAre("a.safetensors", "b.pt"));
  }
}

TEST(Convert, CountsTensorsAndBytes) {
  const TemporaryFolder folder;
  const auto report = convert(data("checkpoints/combos/plain.pt"), folder / "a.safetensors");
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->tensors, 12U);
  EXPECT_EQ(report->bytes, std::filesystem::file_size(folder / "a.safetensors"));
}

TEST(Convert, TellsTheFormatByTheEnding) {
  const TemporaryFolder folder;
  EXPECT_THAT(convert(data("checkpoints/combos/plain.pt"), folder / "a.onnx"),
              HasError(ErrorCode::kInvalidArgument,
                       "expected a name that ends in .pt, .pth, .bin or .safetensors"));
}

TEST(Convert, OverwritesCheckpointsButNothingElseUnasked) {
  const TemporaryFolder folder;
  const auto source = data("checkpoints/combos/plain.pt");
  ASSERT_THAT(convert(source, folder / "a.safetensors"), IsOk());
  EXPECT_THAT(convert(source, folder / "a.safetensors"), IsOk());
  EXPECT_THAT(convert(folder / "a.safetensors", folder / "a.safetensors", true),
              HasError(ErrorCode::kInvalidArgument, "is the input and cannot be the output"));
  test::write(folder / "notes.pt", "shopping list");
  EXPECT_THAT(convert(source, folder / "notes.pt"),
              HasError(ErrorCode::kInvalidArgument, "is no checkpoint"));
  EXPECT_EQ(test::read(folder / "notes.pt"), "shopping list");
  EXPECT_THAT(convert(source, folder / "notes.pt", true), IsOk());
}

TEST(Convert, NamesWhatTheTargetCannotHold) {
  const TemporaryFolder folder;
  EXPECT_THAT(convert(data("checkpoints/refuse/sparse-weight.pt"), folder / "a.safetensors"),
              HasError(ErrorCode::kUnsupported, "sparse"));
  EXPECT_THAT(folder.names(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace wakebuilder::pipeline
