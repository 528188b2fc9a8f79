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
#include "train/job_data.h"

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

TEST(Job, ReadsWhichGraphAndWhatComesAfter) {
  const auto head = parse_job(R"({"data": "d", "output": "o", "state": "s", "resume": true,
      "config": {"embedding_dim": 12, "use_tcn": true, "se_dim": 3}, "graph": "head"})");
  ASSERT_THAT(head, IsOk());
  EXPECT_EQ(head->graph, JobGraph::kHead);
  EXPECT_EQ(head->head_config.embedding_dim, 12);
  EXPECT_TRUE(head->head_config.use_tcn);
  EXPECT_FALSE(head->head_config.use_attention);
  EXPECT_EQ(head->state, "s");
  EXPECT_TRUE(head->resume);
  const auto tuned = parse_job(R"({"data": "d", "output": "o", "start": "h",
      "fine_tune": {"backbone": "b", "steps": 7}, "options": {"dropout": 0.2, "threads": 2}})");
  ASSERT_THAT(tuned, IsOk());
  ASSERT_TRUE(tuned->fine_tuning);
  EXPECT_EQ(tuned->fine_tuning->backbone, "b");
  EXPECT_EQ(tuned->fine_tuning->options.steps, 7);
  EXPECT_EQ(tuned->fine_tuning->options.batch, 32);
  EXPECT_EQ(tuned->fine_tuning->options.rate, 1.5e-4);
  EXPECT_EQ(tuned->fine_tuning->options.dropout, 0.2);
  EXPECT_EQ(tuned->fine_tuning->options.threads, 2);
}

TEST(Job, RefusesWhatDoesNotGoTogether) {
  const auto with = [](const std::string& more) {
    return parse_job(R"({"data": "d", "output": "o", )" + more + "}");
  };
  const auto invalid = [](const char* text) { return HasError(ErrorCode::kInvalidArgument, text); };
  EXPECT_THAT(with(R"("graph": "tree")"), invalid("graph: expected \"compact\" or \"head\""));
  EXPECT_THAT(with(R"("resume": true)"), invalid("resume: expected the key state with it"));
  EXPECT_THAT(with(R"("resume": 1, "state": "s")"), invalid("resume: expected true or false"));
  EXPECT_THAT(with(R"("start": "s")"), invalid("start: expected the key fine_tune with it"));
  EXPECT_THAT(with(R"("fine_tune": {})"), invalid("fine_tune: expected the key backbone"));
  EXPECT_THAT(with(R"("graph": "head", "fine_tune": {"backbone": "b"})"),
              invalid("fine_tune: expected the graph compact, found head"));
  EXPECT_THAT(with(R"("config": {"window": 4})"), invalid("window: expected an odd number"));
  EXPECT_THAT(with(R"("config": {"width": 0})"), invalid("width: expected 1 to 65536, found 0"));
  EXPECT_THAT(with(R"("config": {"embedding_dim": 8})"), invalid("config: unknown key"));
  EXPECT_THAT(with(R"("graph": "head", "config": {"embedding_dim": 6, "use_attention": true})"),
              invalid("embedding_dim: expected a multiple of 4"));
}

struct Answer {
  int status = 0;
  std::string out;
};

Answer run_shell(const std::string& script, const std::filesystem::path& folder = ".") {
  FILE* pipe = ::popen(("cd '" + folder.string() + "' && " + script).c_str(), "r");
  Answer answer;
  std::array<char, 4096> piece{};
  while (std::fgets(piece.data(), piece.size(), pipe) != nullptr) answer.out += piece.data();
  answer.status = WEXITSTATUS(::pclose(pipe));
  return answer;
}

Answer run_program(const std::string& argument) {
  return run_shell(WAKEBUILDER_TRAIN_PROGRAM " " + argument + " 2>/dev/null");
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

/// SIGTERM as soon as it speaks: its steps would go on for minutes.
TEST(TrainProgram, SaysWhereItWasStoppedAndGoesOnFromThere) {
  const TemporaryFolder folder;
  const Rows data = noisy_rows(40, {96, 3}, 0.5F, 1);
  write_tensors(folder / "data.safetensors", {{"tokens", data.inputs}, {"labels", data.labels}});
  const core::Value job = core::Dict{{"data", (folder / "data.safetensors").string()},
                                     {"output", (folder / "head.safetensors").string()},
                                     {"state", (folder / "state.safetensors").string()},
                                     {"resume", true},
                                     {"options", core::Dict{{"steps", 100000}, {"batch", 16}}}};
  ASSERT_THAT(core::write_file(folder / "job.json", core::to_json(job)), IsOk());
  const auto stopped_step = [&] {
    const auto answer = run_shell("mkfifo lines; " WAKEBUILDER_TRAIN_PROGRAM
                                  " job.json > lines & exec 3< lines; read first <&3; "
                                  "kill -TERM $!; cat <&3; wait $!; rc=$?; rm lines; exit $rc",
                                  folder.path());
    EXPECT_EQ(answer.status, 0) << answer.out;
    const auto begin = answer.out.rfind("{\"output\"");
    const auto last = core::parse_json(answer.out.substr(begin == std::string::npos ? 0 : begin));
    const auto* step = last ? last->find("stopped_at") : nullptr;
    return step != nullptr ? step->number().value_or(0) : 0;
  };
  const double first = stopped_step();
  EXPECT_GE(first, 1);
  EXPECT_LT(first, 100000);
  EXPECT_GT(stopped_step(), first);
  EXPECT_TRUE(std::filesystem::exists(folder / "head.safetensors"));
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
