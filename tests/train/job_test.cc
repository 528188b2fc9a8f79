#include "train/job.h"

#include <array>
#include <cstdio>
#include <sys/wait.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::train {
namespace {

using core::Tensor;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;
using testing::HasSubstr;

TEST(Job, ReadsWhatItIsToldAndKeepsDefaultsForTheRest) {
  const auto job = parse_job(R"({"data": "d.safetensors", "output": "o.safetensors",
      "config": {"width": 64, "hidden_dims": [32]}, "options": {"steps": 10, "rate": 0.002, "seed": 7}})");
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->data, "d.safetensors");
  EXPECT_EQ(job->config.width, 64);
  EXPECT_EQ(job->config.hidden_dims, (std::vector<std::int64_t>{32}));
  EXPECT_EQ(job->config.heads, 4);
  EXPECT_EQ(job->options.steps, 10);
  EXPECT_EQ(job->options.rate, 0.002);
  EXPECT_EQ(job->options.seed, 7U);
  EXPECT_EQ(job->options.batch, 128);
}

TEST(Job, RefusesWhatItDoesNotUnderstand) {
  EXPECT_THAT(parse_job("{"), HasError(ErrorCode::kCorrupt, ""));
  EXPECT_THAT(parse_job("[]"), HasError(ErrorCode::kInvalidArgument, "job: expected an object"));
  EXPECT_THAT(parse_job(R"({"data": "x"})"),
              HasError(ErrorCode::kInvalidArgument, "job: expected the key output"));
  EXPECT_THAT(parse_job(R"({"data": "x", "output": "y", "speed": 1})"),
              HasError(ErrorCode::kInvalidArgument, "job: unknown key"));
  EXPECT_THAT(parse_job(R"({"data": "x", "output": "y", "options": {"steps": "many"}})"),
              HasError(ErrorCode::kInvalidArgument, "steps: expected a whole number"));
  EXPECT_THAT(parse_job(R"({"data": "x", "output": "y", "options": {"steps": 0}})"),
              HasError(ErrorCode::kInvalidArgument, "steps: expected 1"));
}

struct Answer {
  int status = 0;
  std::string out;
};

Answer run_program(const std::string& argument) {
  FILE* pipe = ::popen((WAKEBUILDER_TRAIN_PROGRAM " " + argument + " 2>/dev/null").c_str(), "r");
  Answer answer;
  std::array<char, 4096> piece{};
  while (std::fgets(piece.data(), piece.size(), pipe) != nullptr) answer.out += piece.data();
  answer.status = WEXITSTATUS(::pclose(pipe));
  return answer;
}

TEST(TrainProgram, WritesAHeadAndSaysHowFarItIs) {
  const TemporaryFolder folder;
  std::vector<float> tokens(40 * 96 * 11);
  std::vector<std::uint8_t> labels(40);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = i % 2 == 0 ? 1 : 0;
    for (std::size_t j = 0; j < 96 * 11; ++j)
      tokens[i * 96 * 11 + j] =
          static_cast<float>((i * 7 + j * 3) % 13) - (i % 2 == 0 ? 6.0F : 2.0F);
  }
  auto staged = core::StagedFile::create(folder / "data.safetensors");
  ASSERT_THAT(staged, IsOk());
  const core::Dict tensors = {{"tokens", Tensor::from(std::move(tokens), {40, 96, 11})},
                              {"labels", Tensor::from(std::move(labels), {40})}};
  ASSERT_THAT(checkpoint::write_safetensors(*staged, core::Value(tensors)), IsOk());
  ASSERT_THAT(staged->publish(), IsOk());
  const std::string output = (folder / "head.safetensors").string();
  const core::Dict job = {{"data", (folder / "data.safetensors").string()},
                          {"output", output},
                          {"options", core::Dict{{"steps", 5}, {"batch", 16}}}};
  ASSERT_THAT(core::write_file(folder / "job.json", core::to_json(core::Value(job))), IsOk());
  const auto answer = run_program((folder / "job.json").string());
  EXPECT_EQ(answer.status, 0) << answer.out;
  EXPECT_THAT(answer.out, HasSubstr(R"("step":5,"steps":5,)"));
  EXPECT_THAT(answer.out, HasSubstr(R"({"output":")" + output));
  const auto head = checkpoint::read(output);
  ASSERT_THAT(head, IsOk());
  EXPECT_NE(head->root.find("head.classifier.2.weight"), nullptr);
}

TEST(TrainProgram, AnswersErrorsInALine) {
  const TemporaryFolder folder;
  EXPECT_EQ(run_program("").status, 2);
  const auto missing = run_program((folder / "none.json").string());
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.out, HasSubstr(R"("error":"not_found")"));
  ASSERT_THAT(core::write_file(folder / "job.json",
                               R"({"data": "none.safetensors", "output": "o.safetensors"})"),
              IsOk());
  const auto data = run_program((folder / "job.json").string());
  EXPECT_EQ(data.status, 2);
  EXPECT_THAT(data.out, HasSubstr("none.safetensors: no such file"));
}

}  // namespace
}  // namespace wakebuilder::train
