#include "pipeline/trainer_process.h"

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

using test::HasError;
using test::IsOk;
using test::TemporaryFolder;

/// A program of the shell in the place of wakebuilder-train.
std::filesystem::path program(const TemporaryFolder& folder, const std::string& text) {
  const auto path = folder / "trainer";
  std::ofstream(path) << "#!/bin/sh\n" << text;
  ::chmod(path.c_str(), 0755);
  return path;
}

Result<core::Value> run(const std::string& text, const std::function<bool(const core::Value*)>& f) {
  const TemporaryFolder folder;
  return run_trainer(program(folder, text), folder / "job.json", f);
}

bool go_on(const core::Value* /*line*/) { return true; }

TEST(Trainer, IsHeardLineByLine) {
  std::vector<double> steps;
  const auto last = run(R"(echo '{"step": 1}'; echo '{"step": 2}'; echo '{"output": "x"}')",
                        [&](const core::Value* line) {
                          if (line != nullptr && line->find("step") != nullptr)
                            steps.push_back(*line->find("step")->number());
                          return true;
                        });
  ASSERT_THAT(last, IsOk());
  EXPECT_EQ(steps, (std::vector<double>{1, 2}));
}

TEST(Trainer, ThatFailsSaysWhy) {
  EXPECT_THAT(run(R"(echo '{"error": "corrupt", "message": "the data are torn"}'; exit 2)", go_on),
              HasError(ErrorCode::kCorrupt, "the data are torn"));
}

TEST(Trainer, ThatIsKilledIsNoResult) {
  EXPECT_THAT(run("echo '{\"step\": 1}'; kill -9 $$", go_on),
              HasError(ErrorCode::kIo, "killed by signal 9; is there memory enough?"));
}

TEST(Trainer, ThatEndsEarlyIsNoResult) {
  EXPECT_THAT(run("echo '{\"step\": 1}'", go_on), HasError(ErrorCode::kIo, "without a result"));
}

TEST(Trainer, ThatTalksNonsenseIsNoResult) {
  EXPECT_THAT(run("echo hello; echo '{'; exit 3", go_on), HasError(ErrorCode::kIo, "status 3"));
}

TEST(Trainer, ThatIsNotThereIsUnavailable) {
  EXPECT_THAT(find_trainer("/nowhere/trainer"),
              HasError(ErrorCode::kUnavailable, "/nowhere/trainer: is not there"));
  EXPECT_THAT(run_trainer("/nowhere/trainer", "job.json", go_on),
              HasError(ErrorCode::kUnavailable, "/nowhere/trainer: cannot be started"));
}

TEST(Trainer, IsAskedToStopAndStillGivesItsResult) {
  const auto last = run(
      R"(trap 'echo "{\"output\": \"early\"}"; exit 0' INT
echo '{"step": 1}'
while :; do sleep 0.05; done)",
      [](const core::Value* line) { return line == nullptr; });
  ASSERT_THAT(last, IsOk());
  EXPECT_EQ(*last->find("output")->get_if<std::string>(), "early");
}

}  // namespace
}  // namespace wakebuilder::pipeline
