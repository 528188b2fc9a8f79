// The verb `evaluate` as people and scripts use it.

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/audio/wav.h"
#include "wakebuilder/core/file.h"

#include "cli/process.h"
#include "pipeline/write_model.h"
#include "support/temporary_folder.h"

namespace wakebuilder::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A model for "computer", a recording of it, and half a minute of a tone.
class EvaluateVerb : public testing::Test {
 protected:
  EvaluateVerb() {
    write_model("compact/computer.pt", folder_ / "computer.onnx");
    fs::create_directories(folder_ / "said");
    fs::create_directories(folder_ / "other");
    fs::copy(fs::path(WAKEBUILDER_SOURCE) / "src/pipeline/data/computer.wav", folder_ / "said");
    std::vector<float> tone(16000 * 30);
    for (std::size_t i = 0; i < tone.size(); ++i)
      tone[i] = 0.1F * static_cast<float>(std::sin(0.1 * static_cast<double>(i)));
    EXPECT_TRUE(audio::write_wav(folder_ / "other/tone.wav", tone));
  }

  Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "evaluate");
    return test::run(arguments, {.folder = folder_.path(), .patience = 4});
  }

  TemporaryFolder folder_;
};

TEST_F(EvaluateVerb, TellsMissesInTextAndJson) {
  const auto text = run({"computer.onnx", "--positive", "said", "--negative", "other"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("computer"));
  const auto json = run({"computer.onnx", "--positive", "said", "--negative", "other", "--snr",
                         "20", "--plot", "rates.svg", "--json"});
  EXPECT_EQ(json.status, 0) << json.err;
  const auto answer = json_of(json);
  EXPECT_EQ(answer.find("positives")->number(), 1);
  EXPECT_EQ(answer.find("snr_db")->number(), 20);
  EXPECT_EQ(answer.find("miss_rate", "1")->number(), 0);
  EXPECT_EQ(answer.find("auc")->number(), 1);
  EXPECT_TRUE(fs::exists(folder_ / "rates.svg"));
}

TEST_F(EvaluateVerb, SkipsWhatIsNoRecordingAndSaysSo) {
  EXPECT_TRUE(core::write_file(folder_ / "other/broken.wav", "RIFF no wave"));
  const auto outcome = run({"computer.onnx", "--positive", "said", "--negative", "other"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.err, HasSubstr("broken.wav"));
}

TEST_F(EvaluateVerb, SaysWhatIsMissing) {
  EXPECT_EQ(run({"--positive", "said"}).status, 2);
  const auto nowhere = run({"computer.onnx", "--positive", "nowhere", "--negative", "other"});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace wakebuilder::test
