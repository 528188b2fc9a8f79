// Jobs on compact heads: validations, early ends, and states to go on from.

#include "train/run_job.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/json.h"
#include "wakebuilder/model/reference.h"

#include "support/matchers.h"
#include "support/temporary_folder.h"
#include "train/job_data.h"
#include "train/scores.h"

namespace wakebuilder::train {
namespace {

using core::Tensor;
using test::HasError;
using test::IsOk;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kTokens = 3;

class RunJob : public testing::Test {
 protected:
  void SetUp() override {
    write_data(data_, noisy_rows(48, {96, kTokens}, 0.4F, 1), validation_);
    job_ = {.data = data_, .output = folder_ / "head.safetensors"};
    job_.config = {
        .heads = 2, .window = 3, .width = 16, .se_dim = 4, .dilations = {1}, .hidden_dims = {12}};
    job_.options = {
        .steps = 30, .batch = 16, .warm_up = 4, .rate = 5e-3, .average = 0.1, .validate_every = 10};
  }

  static void write_data(const std::filesystem::path& path, const Rows& data,
                         const Rows& validation) {
    write_tensors(path, {{"tokens", data.inputs},
                         {"labels", data.labels},
                         {"validation_tokens", validation.inputs},
                         {"validation_labels", validation.labels}});
  }

  /// A job that keeps its state.
  Job kept(bool resume) const {
    Job job = job_;
    job.state = state_;
    job.resume = resume;
    return job;
  }

  /// The scores of what was written, by the reference interpreter.
  Scores scores_of_output(const Rows& rows) const {
    auto network = model::make_compact<model::Parameter>(job_.config);
    const auto weights = read_weights(job_.output);
    model::visit(network, job_.config,
                 [&](const std::string& name, model::Parameter& weight, const core::Shape&) {
                   for (const auto& [found, tensor] : weights)
                     if (found == name) weight = {name, tensor};
                 });
    const std::int64_t count = rows.inputs.shape()[0];
    const Tensor mask = Tensor::from(
        std::vector<float>(static_cast<std::size_t>(count * kTokens), 1), {count, 1, kTokens});
    model::Reference op;
    const auto logits = model::classify(op, network, job_.config,
                                        model::Reference::input(model::to_array(rows.inputs)),
                                        model::Reference::input(model::to_array(mask)));
    const std::vector<float> narrow(logits->data.begin(), logits->data.end());
    return score(narrow, rows.labels.as<std::uint8_t>());
  }

  test::TemporaryFolder folder_;
  std::filesystem::path data_ = folder_ / "data.safetensors";
  std::filesystem::path state_ = folder_ / "state.safetensors";
  Rows validation_ = noisy_rows(40, {96, kTokens}, 0.4F, 2);
  Job job_;
};

std::string bytes_of(const std::filesystem::path& path) {
  return core::read_text(path).value_or("");
}

TEST_F(RunJob, ValidatesWhatWouldBeTheResultNow) {
  job_.options.steps = 34;
  const auto said = run_and_listen(job_);
  ASSERT_THAT(said, IsOk());
  EXPECT_THAT(said->of("step"), ElementsAre(10, 20, 30, 34));
  EXPECT_FALSE(said->stopped_at);
  const core::Value& last = said->validated.back();
  const Scores found = scores_of_output(validation_);
  EXPECT_NEAR(*last.find("validation_loss")->number(), found.loss, 1e-5);  // float32 sums
  EXPECT_EQ(*last.find("validation_accuracy")->number(), found.accuracy);
  EXPECT_EQ(*last.find("validation_f1")->number(), found.f1);
  EXPECT_EQ(*last.find("validation_recall")->number(), found.recall);
  EXPECT_EQ(*last.find("validation_false_accepts")->number(),
            static_cast<double>(found.false_accepts));
  EXPECT_EQ(*last.find("remaining_s")->number(), 0);
  EXPECT_EQ(*last.find("steps")->number(), 34);
  EXPECT_LT(said->of("rate")[3], said->of("rate")[0]);
  EXPECT_LT(said->of("train_loss")[2], said->of("train_loss")[0]);
  EXPECT_GT(said->of("train_accuracy")[2], said->of("train_accuracy")[0]);
}

TEST_F(RunJob, SaysNoValidationsWithoutRowsForThem) {
  const Rows data = noisy_rows(48, {96, kTokens}, 0.4F, 1);
  write_tensors(data_, {{"tokens", data.inputs}, {"labels", data.labels}});
  const auto said = run_and_listen(job_);
  ASSERT_THAT(said, IsOk());
  EXPECT_TRUE(said->validated.empty());
  EXPECT_EQ(said->progress.back().find("step")->number(), 30);
}

/// Labels that say the opposite: what is learned makes the loss worse.
TEST_F(RunJob, StopsEarlyWithTheBestWeights) {
  const auto labels = validation_.labels.as<std::uint8_t>();
  std::vector<std::uint8_t> opposite(labels.begin(), labels.end());
  for (auto& label : opposite) label = 1 - label;
  validation_.labels = Tensor::from(std::move(opposite), validation_.labels.shape());
  write_data(data_, noisy_rows(48, {96, kTokens}, 0.4F, 1), validation_);
  job_.options.steps = 400;
  job_.options.validate_every = 2;
  job_.options.patience = 3;
  job_.options.average = 1;
  const auto said = run_and_listen(job_);
  ASSERT_THAT(said, IsOk());
  const auto losses = said->of("validation_loss");
  const auto best = std::ranges::min_element(losses);
  EXPECT_LT(said->of("step").back(), 400);
  EXPECT_EQ(losses.end() - best, 4);  // the best, and three that are not
  EXPECT_NEAR(scores_of_output(validation_).loss, *best, 1e-5);
}

TEST_F(RunJob, NamesWhatIsWrongWithValidationRows) {
  validation_.labels = Tensor::from(std::vector<std::uint8_t>(39), {39});
  write_data(data_, noisy_rows(48, {96, kTokens}, 0.4F, 1), validation_);
  EXPECT_THAT(run(job_),
              HasError(ErrorCode::kMismatch, "validation_labels: expected uint8 [40], found"));
  validation_.inputs = Tensor::from(std::vector<float>(95), {1, 95, 1});
  write_data(data_, noisy_rows(48, {96, kTokens}, 0.4F, 1), validation_);
  EXPECT_THAT(run(job_), HasError(ErrorCode::kMismatch, "validation_tokens: expected float32"));
}

/// Everything but the guess of the time that is left.
core::List without_times(const std::vector<core::Value>& lines) {
  core::List result(lines.begin(), lines.end());
  for (core::Value& line : result) line.erase("remaining_s");
  return result;
}

TEST_F(RunJob, GoesOnAfterAStopAsIfThereHadBeenNone) {
  job_.options.patience = 9;
  for (const int stop_after : {5, 12, 29}) {  // before and after the mean begins
    const auto whole = run_and_listen(job_);
    ASSERT_THAT(whole, IsOk());
    const std::string wanted = bytes_of(job_.output);
    const auto first = run_and_listen(kept(false), stop_after);
    ASSERT_THAT(first, IsOk());
    EXPECT_EQ(first->stopped_at, stop_after);
    EXPECT_NE(bytes_of(job_.output), wanted);
    const auto second = run_and_listen(kept(true));
    ASSERT_THAT(second, IsOk());
    EXPECT_FALSE(second->stopped_at);
    EXPECT_EQ(bytes_of(job_.output), wanted);
    EXPECT_EQ(core::to_json(without_times(second->validated)),
              core::to_json(without_times(whole->validated)));
  }
}

TEST_F(RunJob, GoesOnFromTheLastStateWhenItWasKilled) {
  job_.options.save_every = 7;
  ASSERT_THAT(run(job_), IsOk());
  const std::string wanted = bytes_of(job_.output);
  int steps = 0;
  EXPECT_THROW((void)run(kept(false), {.must_stop = [&]() -> bool {
                           if (++steps == 19) throw std::runtime_error("killed");
                           return false;
                         }}),
               std::runtime_error);
  std::vector<core::Value> lines;
  ASSERT_THAT(run(kept(true), {.say = [&](const core::Value& line) { lines.push_back(line); }}),
              IsOk());
  EXPECT_EQ(bytes_of(job_.output), wanted);
  EXPECT_EQ(lines[0].find("step")->number(), 10);  // a validation before the state, again
  EXPECT_EQ(lines[1].find("step")->number(), 15);
}

TEST_F(RunJob, BeginsFromNothingWhenThereIsNoStateYet) {
  ASSERT_THAT(run(job_), IsOk());
  const std::string wanted = bytes_of(job_.output);
  ASSERT_THAT(run(kept(true)), IsOk());
  EXPECT_EQ(bytes_of(job_.output), wanted);
  ASSERT_THAT(run(kept(true)), IsOk());  // all done: the same again
  EXPECT_EQ(bytes_of(job_.output), wanted);
}

TEST_F(RunJob, RefusesTheStateOfAnotherTraining) {
  ASSERT_THAT(run_and_listen(kept(false), 12), IsOk());
  Job other = kept(true);
  other.options.rate = 4e-3;
  EXPECT_THAT(run(other), HasError(ErrorCode::kMismatch,
                                   "expected a training with the same numbers, found rate 0.005 "
                                   "instead of 0.004"));
  other = kept(true);
  other.options.seed = 1;
  EXPECT_THAT(run(other), HasError(ErrorCode::kMismatch, "seed"));
  other = kept(true);
  other.config.width = 24;
  EXPECT_THAT(run(other), HasError(ErrorCode::kMismatch, "width 16 instead of 24"));
  other = kept(true);
  other.options.steps = 31;
  other.options.validate_every = 5;
  EXPECT_THAT(run(other), IsOk());
  write_data(data_, noisy_rows(48, {96, kTokens}, 0.4F, 3), validation_);
  EXPECT_THAT(run(kept(true)), HasError(ErrorCode::kMismatch, "found data"));
}

TEST_F(RunJob, SaysThatAStateIsTorn) {
  ASSERT_THAT(run_and_listen(kept(false), 12), IsOk());
  const std::string whole = bytes_of(state_);
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{7}, std::size_t{500}, whole.size() / 2, whole.size() - 1}) {
    ASSERT_THAT(core::write_file(state_, whole.substr(0, length)), IsOk());
    const auto status = run(kept(true));
    ASSERT_FALSE(status) << length;
    EXPECT_THAT(status.error().message, HasSubstr("state.safetensors: "));
  }
}

TEST_F(RunJob, SaysThatAStateHoldsSomethingElse) {
  std::filesystem::copy_file(data_, state_);
  EXPECT_THAT(run(kept(true)),
              HasError(ErrorCode::kCorrupt,
                       "state.safetensors: expected the state of a training, found something"));
}

/// Each tensor and number of a state, taken away or of another kind.
TEST_F(RunJob, SaysWhatAStateLacks) {
  ASSERT_THAT(run_and_listen(kept(false), 12), IsOk());
  const auto file = checkpoint::read(state_);
  ASSERT_THAT(file, IsOk());
  const auto expect_refused = [&](const core::Value& root, const std::string& text) {
    write_tensors(state_, *root.get_if<core::Dict>());
    EXPECT_THAT(run(kept(true)), HasError(ErrorCode::kCorrupt, text)) << text;
  };
  for (const std::string key : {"step", "sum_loss", "weights", "means", "squares"}) {
    core::Value root = file->root;
    core::Value training = *root.find("training");
    training.erase(key);
    root.set("training", training);
    expect_refused(root, key);
  }
  for (const std::int64_t length :
       {std::int64_t{5}, file->root.find("random")->get_if<Tensor>()->shape()[0]}) {
    core::Value root = file->root;
    root.set(
        "random",
        Tensor::from(std::vector<std::uint8_t>(static_cast<std::size_t>(length), 255), {length}));
    expect_refused(root, "random: expected the state of libtorch's random generator");
  }
}

// ---- parts ----

TEST(Score, CountsWhatIsToldAndWhatIsNot) {
  // The words lie lower than the others, which is no order to calibrate by.
  const std::vector<float> logits = {0, 2, 3, 0, 0, 2, 1, 0, 5, 5};
  const std::vector<std::uint8_t> labels = {1, 1, 0, 0, 1};
  const Scores found = score(logits, labels);
  EXPECT_DOUBLE_EQ(found.accuracy, 0.4);
  EXPECT_DOUBLE_EQ(found.recall, 1.0 / 3);
  EXPECT_DOUBLE_EQ(found.f1, 0.4);  // precision 1/2, recall 1/3
  EXPECT_EQ(found.false_accepts, 1);
  // by hand: ln(1 + e^-2), ln(1 + e^3), ln(1 + e^2), ln(1 + e^-1), ln 2
  EXPECT_NEAR(found.loss, (0.126928 + 3.048587 + 2.126928 + 0.313262 + 0.693147) / 5, 1e-6);
}

TEST(Score, IsOfTheBestThresholdWhereverTheNetworkHasIts) {
  const std::vector<std::uint8_t> labels = {1, 1, 1, 1, 0, 0, 0, 0};
  const std::vector<float> differences = {3, 2, 1, -0.5, 0.5, -1, -2, -3};
  const auto shifted = [&](float by) {
    std::vector<float> logits;
    for (const float difference : differences) logits.insert(logits.end(), {0, difference + by});
    return score(logits, labels);
  };
  const Scores found = shifted(0);
  EXPECT_EQ(found.false_accepts, 1);
  EXPECT_EQ(found.recall, 0.75);
  for (const float by : {-4.0F, 0.5F, 10.0F}) {
    EXPECT_EQ(shifted(by).false_accepts, 1);
    EXPECT_EQ(shifted(by).recall, 0.75);
    EXPECT_NEAR(shifted(by).loss, found.loss, 1e-5);
  }
}

TEST(Score, HasNoNumbersThatAreNone) {
  const Scores found = score(std::vector<float>{1000, -1000}, std::vector<std::uint8_t>{0});
  EXPECT_EQ(found.f1, 0);
  EXPECT_EQ(found.recall, 0);
  EXPECT_EQ(found.loss, 0);
  EXPECT_EQ(score(std::vector<float>{1000, -1000}, std::vector<std::uint8_t>{1}).loss, 2000);
}

}  // namespace
}  // namespace wakebuilder::train
