// The verb `bench` as people and scripts use it. Nothing here depends on how fast the machine is.

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"

#include "cli/process.h"
#include "support/temporary_folder.h"

namespace wakebuilder::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::vector<std::string> keys_of(const core::Value& value) {
  std::vector<std::string> keys;
  if (const auto* dict = value.get_if<core::Dict>())
    for (const auto& entry : *dict)
      keys.push_back(
          entry.first.get_if<std::string>() != nullptr ? *entry.first.get_if<std::string>() : "?");
  return keys;
}

class BenchVerb : public testing::Test {
 protected:
  std::string exported(const std::string& checkpoint, const std::string& name) const {
    std::string path = (folder_ / name).string();
    const auto outcome =
        run({"export", "--checkpoint", data(checkpoint).string(), "--output", path});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return path;
  }

  Outcome bench(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "bench");
    return run(arguments, {.folder = folder_.path()});
  }

  TemporaryFolder folder_;
};

TEST_F(BenchVerb, AnswersWithTheKeysOfTheContract) {
  const auto outcome = bench({exported("compact/computer.pt", "computer.onnx"), "--threads", "1",
                              "--batch", "1,2", "--seconds", "0.01", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  const auto answer = json_of(outcome);
  EXPECT_THAT(keys_of(answer), ElementsAre("rows", "live", "fallbacks"));
  const auto& rows = *answer.find("rows")->get_if<core::List>();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_THAT(keys_of(rows[0]),
              ElementsAre("model", "precision", "provider", "threads", "batch", "runs", "median_us",
                          "p99_us", "cpu_us", "stable", "rss_bytes"));
  EXPECT_EQ(*rows[0].find("model")->get_if<std::string>(), "computer");
  EXPECT_EQ(*rows[1].find("batch")->get_if<std::int64_t>(), 2);
  EXPECT_THAT(keys_of(*answer.find("live")),
              ElementsAre("stream", "provider", "first_score_ms", "ms_per_second_of_audio",
                          "cpu_ms_per_s", "real_time", "stable", "rss_bytes"));
}

TEST_F(BenchVerb, AnswersPeopleWithATable) {
  const auto outcome = bench({exported("checkpoints/combos/attention-se.pt", "head.onnx"),
                              "--threads", "1", "--seconds", "0.01"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("model  precision  provider  threads  batch"));
  EXPECT_THAT(outcome.out, HasSubstr("\nhead   float32    cpu"));
}

TEST_F(BenchVerb, SaysThatTheRegistryHasNoSuchModel) {
  const auto unknown = bench({"jarvis", "--json"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_EQ(*json_of(unknown).find("error")->get_if<std::string>(), "not_found");
}

TEST_F(BenchVerb, SaysWhatItCannotMeasureInOneLine) {
  ASSERT_TRUE(core::write_file(folder_ / "text.onnx", "This is no model.\n"));
  const auto head = exported("checkpoints/combos/attention-se.pt", "head.onnx");
  struct Case {
    std::vector<std::string> arguments;
    int status;
    std::string sentence;
  };
  const std::vector<Case> cases = {
      {{}, 2, "expected a model's name or an .onnx file, found neither"},
      {{head, "--model", "jarvis"}, 2, "found both"},
      {{"none.onnx"}, 2, "none.onnx"},
      {{"text.onnx"}, 2, "text.onnx"},
      {{head, "--batch", "0"}, 2, "batch: expected 1 to 1024, found 0"},
      {{head, "--threads", "0"}, 2, "threads: expected 1 to 256, found 0"},
      {{head, "--seconds", "-1"}, 2, "seconds: expected 0.01 to 600, found -1"},
      {{head, "--onnxruntime", "none.so"}, 3, "none.so"},
      {{head, "--provider", "tensorrt", "--strict-provider"}, 3, "tensorrt: cannot be used: "},
  };
  for (const Case& c : cases) {
    const auto outcome = bench(c.arguments);
    EXPECT_EQ(outcome.status, c.status) << c.sentence;
    EXPECT_THAT(outcome.err, StartsWith("wakebuilder: bench: "));
    EXPECT_THAT(outcome.err, HasSubstr(c.sentence));
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
    EXPECT_THAT(outcome.out, IsEmpty());
  }
}

}  // namespace
}  // namespace wakebuilder::test
