// The verb `train` as people and scripts use it.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/json.h"

#include "cli/process.h"
#include "support/temporary_folder.h"

namespace wakebuilder::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class TrainVerb : public testing::Test {
 protected:
  Surroundings surroundings() const {
    Surroundings here;
    here.folder = folder_.path();
    here.environment = {{"XDG_CACHE_HOME", (folder_ / "cache").string()}};
    here.patience = 20;  // it says 2,000 utterances
    return here;
  }

  Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "train");
    return test::run(arguments, surroundings());
  }

  TemporaryFolder folder_;
};

TEST_F(TrainVerb, NeedsAText) {
  const auto outcome = run({});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("text is required"));
}

TEST_F(TrainVerb, SaysInOneSentenceWhatCannotBeSaid) {
  for (const char* text : {"\xd0\xba\xd0\xbe\xd1\x82", "...", "a\tb"}) {
    const auto outcome = run({text});
    EXPECT_EQ(outcome.status, 2) << text;
    EXPECT_THAT(outcome.err, StartsWith("wakebuilder: train: ")) << text;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
  EXPECT_FALSE(fs::exists(folder_ / "models"));
}

TEST_F(TrainVerb, AnswersErrorsInJson) {
  const auto outcome = run({"jarvis", "--name", "../x", "--json"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(*json_of(outcome).find("error")->get_if<std::string>(), "invalid_argument");
}

TEST_F(TrainVerb, RefusesToResumeWhatWasNeverBegun) {
  const auto outcome = run({"jarvis", "--resume", "--trainer", "/bin/true"});
  EXPECT_EQ(outcome.status, 2) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("expected a training that was stopped"));
}

TEST_F(TrainVerb, EndsAtCtrlCWithASentence) {
  const Child child =
      start({"train", "jarvis", "--quick", "--trainer", "/bin/true"}, surroundings());
  const fs::path begun = folder_ / "cache/wakebuilder/training";
  for (int i = 0; i < 6000 && !fs::exists(begun); ++i) ::usleep(10'000);
  ::kill(child.pid, SIGINT);
  const auto outcome = finish(child);
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("stopped"));
  EXPECT_FALSE(fs::exists(folder_ / "models"));
}

#ifdef WAKEBUILDER_TRAINER

/// A voice that is not among those that teach.
fs::path spoken(const TemporaryFolder& folder, const std::string& text) {
  const fs::path file = folder / "spoken.wav";
  const std::string command = "espeak-ng -v en-us -s 140 -w " + file.string() + " \"" + text + "\"";
  EXPECT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
  return file;
}

TEST_F(TrainVerb, MakesAModelThatHearsItsWordInASentence) {
  const auto trained =
      run({"computer", "--quick", "--windows", "2048", "--steps", "150", "--json"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  const auto answer = json_of(trained);
  EXPECT_EQ(*answer.find("wake_word")->get_if<std::string>(), "computer");
  EXPECT_LE(*answer.find("max_abs_diff")->number(), 1e-5);
  EXPECT_LE(*answer.find("onnx_size_bytes")->number(), 2.4e6);
  const auto listen = [&](const std::string& text) {
    return test::run({"detect", "computer", spoken(folder_, text).string(), "--scores", "--json"},
                     surroundings());
  };
  const auto highest = [](const Outcome& outcome) {
    double most = 0;
    for (const auto& score : *json_of(outcome).find("scores")->get_if<core::List>())
      most = std::max(most, *score.number());
    return most;
  };
  const double with_word = highest(listen("I would like to ask the computer something."));
  const double without = highest(listen("I would like to ask my neighbour something."));
  EXPECT_GT(with_word, without + 0.15);
}

#endif

}  // namespace
}  // namespace wakebuilder::test
