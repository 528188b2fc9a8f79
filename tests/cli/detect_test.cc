// The verb `detect` as people and scripts use it.

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/audio/reader.h"
#include "wakebuilder/audio/wav.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"

#include "audio/sound.h"
#include "cli/process.h"
#include "pipeline/write_model.h"
#include "support/sanitizer.h"
#include "support/temporary_folder.h"
#include "support/virtual_microphone.h"

namespace wakebuilder::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

/// The recorded "computer" of the library, and as 16-bit samples; digital silence.
fs::path recorded_word() { return fs::path(WAKEBUILDER_SOURCE) / "src/pipeline/data/computer.wav"; }

std::string pcm_of(const std::vector<float>& sound) {
  std::string bytes;
  for (const float sample : sound) {
    const auto value = static_cast<std::uint16_t>(static_cast<std::int16_t>(sample * 32768.0F));
    bytes += static_cast<char>(value & 0xFFU);
    bytes += static_cast<char>(value >> 8U);
  }
  return bytes;
}

/// The text lines of JSON that a program printed.
std::vector<core::Value> lines_of(const Outcome& outcome) {
  std::vector<core::Value> values;
  std::istringstream text(outcome.out);
  for (std::string line; std::getline(text, line);) {
    auto value = core::parse_json(line);
    EXPECT_TRUE(value) << line;
    if (value) values.push_back(*std::move(value));
  }
  return values;
}

double number_at(const core::Value& value, const char* key) {
  const core::Value* found = value.find(key);
  return found != nullptr ? found->number().value_or(-1) : -1;
}

core::List list_at(const core::Value& value, const char* key) {
  const core::Value* found = value.find(key);
  const auto* list = found != nullptr ? found->get_if<core::List>() : nullptr;
  return list != nullptr ? *list : core::List();
}

bool flag_at(const core::Value& value, const char* key) {
  const core::Value* found = value.find(key);
  const auto* flag = found != nullptr ? found->get_if<bool>() : nullptr;
  return flag != nullptr && *flag;
}

std::string text_of(int file) {
  std::string text(1 << 16, '\0');
  const ssize_t count = ::pread(file, text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

/// Until the child has said this so many times; it is ended by its alarm if it never does.
void wait_for(const Child& child, int file, const std::string& text, std::size_t times = 1) {
  const auto count = [&] {
    const std::string all = text_of(file);
    std::size_t found = 0;
    for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++found;
    return found;
  };
  const auto is_alive = [&] {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == 0;
  };
  while (count() < times && is_alive()) ::usleep(1000);
}

class DetectVerb : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = new TemporaryFolder;
    write_model("compact/computer.pt", *shared_ / "computer.onnx");
    ASSERT_TRUE(audio::write_wav(*shared_ / "silence.wav", std::vector<float>(40'000, 0.0F)));
    const auto word = audio::load_audio(recorded_word());
    ASSERT_TRUE(word);
    ASSERT_TRUE(core::write_file(*shared_ / "word.raw", pcm_of(*word)));
  }
  static void TearDownTestSuite() { delete shared_; }

  static std::string model() { return shared("computer.onnx"); }
  static std::string shared(const std::string& name) { return (*shared_ / name).string(); }

  Outcome detect(std::vector<std::string> arguments, Surroundings surroundings = {}) const {
    arguments.insert(arguments.begin(), "detect");
    surroundings.folder = folder_.path();
    return test::run(arguments, surroundings);
  }

  TemporaryFolder folder_;

 private:
  static inline TemporaryFolder* shared_ = nullptr;
};

TEST_F(DetectVerb, SaysWhenAndHowSurelyTheWordWasSaid) {
  const auto outcome = detect({model(), recorded_word()});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("computer.wav: detected at "));
  EXPECT_EQ(outcome.err, "");
}

TEST_F(DetectVerb, EndsWithOneWhenNothingWasSaid) {
  const auto outcome = detect({model(), shared("silence.wav")});
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("silence.wav: nothing detected, highest score 0."));
}

TEST_F(DetectVerb, AnswersALineOfJsonForEachFile) {
  const auto outcome =
      detect({model(), recorded_word(), shared("silence.wav"), "--json", "--scores"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto lines = lines_of(outcome);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_TRUE(flag_at(lines[0], "detected"));
  EXPECT_FALSE(flag_at(lines[1], "detected"));
  const auto detections = list_at(lines[0], "detections");
  ASSERT_THAT(detections, SizeIs(1));
  EXPECT_GT(number_at(detections[0], "score"), 0.5);
  EXPECT_GT(number_at(lines[0], "score"), number_at(lines[1], "score"));
  // 2 s are 198 frames: windows of 160 begin at 0, 16 and 32.
  EXPECT_THAT(list_at(lines[0], "scores"), SizeIs(3));
  ASSERT_THAT(list_at(lines[0], "times_s"), SizeIs(3));
  EXPECT_DOUBLE_EQ(list_at(lines[0], "times_s")[0].number().value_or(0), 1.615);
}

TEST_F(DetectVerb, HearsTheSameOnStandardInput) {
  const auto file = detect({model(), recorded_word(), "--json", "--scores"});
  const auto live =
      detect({model(), "-", "--json", "--scores"}, {.input_from = shared("word.raw")});
  EXPECT_EQ(live.status, 0) << live.err;
  const auto lines = lines_of(live);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_NE(lines[0].find("at"), nullptr);
  const auto wanted = lines_of(file);
  ASSERT_THAT(wanted, SizeIs(1));
  EXPECT_EQ(number_at(lines[0], "time_s"),
            number_at(list_at(wanted[0], "detections")[0], "time_s"));
  EXPECT_EQ(core::to_json(list_at(lines[1], "scores")),
            core::to_json(list_at(wanted[0], "scores")));
}

TEST_F(DetectVerb, RefusesHalfASampleAtTheEndOfStandardInput) {
  std::string bytes = *core::read_text(shared("word.raw"));
  ASSERT_TRUE(core::write_file(folder_ / "odd.raw", bytes + "x"));
  const auto outcome = detect({model(), "-"}, {.input_from = folder_ / "odd.raw"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("-: expected samples of 2 bytes, found 1 at the end"));
  EXPECT_THAT(outcome.out, HasSubstr("computer at "));  // what was heard before is told
}

TEST_F(DetectVerb, GoesOnAfterARecordingThatCannotBeRead) {
  ASSERT_TRUE(core::write_file(folder_ / "text.wav", "no sound at all"));
  const std::string whole = *core::read_text(recorded_word());
  ASSERT_TRUE(core::write_file(folder_ / "torn.wav", whole.substr(0, whole.size() / 2)));
  const auto outcome =
      detect({model(), "text.wav", "torn.wav", "none.wav", recorded_word(), "--json"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("wakebuilder: detect: text.wav: is no sound file"));
  EXPECT_THAT(outcome.err, HasSubstr("wakebuilder: detect: torn.wav: "));
  EXPECT_THAT(outcome.err, HasSubstr("wakebuilder: detect: none.wav: no such file"));
  const auto lines = lines_of(outcome);
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_EQ(*lines[0].find("file")->get_if<std::string>(), "text.wav");
  EXPECT_NE(lines[0].find("error"), nullptr);
  EXPECT_TRUE(flag_at(lines[3], "detected"));
}

TEST_F(DetectVerb, ListensWithSeveralModels) {
  fs::copy_file(model(), folder_ / "hal.onnx");
  const auto outcome =
      detect({"--model", model(), "--model", "hal.onnx", recorded_word(), "--json"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto lines = lines_of(outcome);
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(list_at(lines[0], "detections"), SizeIs(2));
  const core::Value* models = lines[0].find("models");
  ASSERT_NE(models, nullptr);
  EXPECT_NEAR(number_at(*models->find("hal"), "score"),
              number_at(*models->find("computer"), "score"), 1e-5);
}

TEST_F(DetectVerb, FindsModelsInTheRegistry) {
  fs::create_directories(folder_ / "models/custom/hal");
  fs::copy_file(model(), folder_ / "models/custom/hal/hal.onnx");
  fs::copy_file(data("compact/computer.pt"), folder_ / "models/custom/hal/hal.pt");
  EXPECT_EQ(detect({"hal", recorded_word()}).status, 0);
  EXPECT_EQ(detect({"--model", "hal", recorded_word()}).status, 0);
  fs::remove(folder_ / "models/custom/hal/hal.onnx");
  const auto outcome = detect({"hal", recorded_word()});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("wakebuilder export hal makes it"));
}

TEST_F(DetectVerb, DecidesAsItIsTold) {
  EXPECT_EQ(detect({model(), recorded_word(), "--threshold", "0.9999"}).status, 1);
  EXPECT_EQ(detect({model(), shared("silence.wav"), "--threshold", "0.01"}).status, 0);
  EXPECT_EQ(detect({model(), shared("silence.wav"), "--threshold", "0.01", "--gate", "-60"}).status,
            1);
  const auto outcome = detect({model(), recorded_word(), "--threshold", "2"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("threshold: expected a number from 0 to 1, found 2"));
}

/// What is said about a detection is in the environment, whatever the wake word is.
TEST_F(DetectVerb, RunsACommandForEachDetection) {
  const auto outcome = detect({model(), recorded_word(), "--on-detect",
                               R"(printf '%s %s %s' "$WAKEWORD" "$SCORE" "$TIME" > heard)"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(*core::read_text(folder_ / "heard"), StartsWith("computer 0."));
}

TEST_F(DetectVerb, SaysWhenTheCommandFails) {
  const auto outcome = detect({model(), recorded_word(), "--on-detect", "exit 7"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.err, HasSubstr("7"));
}

TEST_F(DetectVerb, SavesTheSoundAroundEachDetection) {
  const auto outcome = detect({model(), recorded_word(), "--save-detections", "clips"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto names = all_names(folder_ / "clips");
  ASSERT_THAT(names, SizeIs(1));
  EXPECT_THAT(names[0], StartsWith("computer-computer-0001."));
  const auto clip = audio::load_audio(folder_ / "clips" / names[0]);
  ASSERT_TRUE(clip);
  EXPECT_LE(clip->size(), 32'000U);
  EXPECT_GT(clip->size(), 25'000U);
}

TEST_F(DetectVerb, DrawsTheScoreOverTheSound) {
  EXPECT_EQ(detect({model(), recorded_word(), "--plot", "p.svg"}).status, 0);
  EXPECT_THAT(*core::read_text(folder_ / "p.svg"), HasSubstr("<svg"));
  const auto outcome = detect({model(), recorded_word(), shared("silence.wav"), "--plot", "p.svg"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--plot: expected one recording, found 2"));
}

TEST_F(DetectVerb, RefusesModelsThatDoNotHear) {
  const auto head = detect({data("onnx/ok/head.onnx"), recorded_word()});
  EXPECT_EQ(head.status, 2);
  EXPECT_THAT(detect({data("compact/computer.pt"), recorded_word()}).err,
              HasSubstr("wakebuilder: detect: "));
  const auto missing = detect({"none.onnx", recorded_word(), "--json"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_EQ(*json_of(missing).find("error")->get_if<std::string>(), "not_found");
}

TEST_F(DetectVerb, RefusesCommandLinesThatMeanNothing) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{model()},
        {},
        {model(), "-", recorded_word()},
        {model(), "--microphone", recorded_word()},
        {model(), recorded_word(), "--seconds", "3"},
        {model(), recorded_word(), "--device", "x"},
        {model(), recorded_word(), "--provider", "gpu"}})
    EXPECT_EQ(detect(arguments).status, 2) << arguments.size();
}

TEST_F(DetectVerb, NeedsARuntime) {
  const auto outcome = detect({model(), recorded_word(), "--onnxruntime", "none.so"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("none.so"));
}

TEST_F(DetectVerb, FailsForAProviderThatMustBeThere) {
  const auto outcome =
      detect({model(), recorded_word(), "--provider", "tensorrt", "--strict-provider"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("tensorrt: cannot be used: "));
  const auto fallback = detect({model(), recorded_word(), "--provider", "tensorrt"});
  EXPECT_EQ(fallback.status, 0);
  EXPECT_THAT(fallback.err, HasSubstr("tensorrt: not used: "));
  EXPECT_THAT(fallback.err, HasSubstr(" nodes on cpu"));
}

/// Twice the sound of a pipe that stays open, then Ctrl-C: the program ends by itself.
TEST_F(DetectVerb, EndsLiveListeningCleanly) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int writer = ::open(pipe.c_str(), O_RDWR);
  ASSERT_GE(writer, 0);
  const Child child = start({"detect", model(), "-", "--json"}, {.input_from = pipe});
  const std::string sound = *core::read_text(shared("word.raw"));
  ASSERT_EQ(::write(writer, sound.data(), sound.size()), static_cast<ssize_t>(sound.size()));
  wait_for(child, child.out, "\n");
  ::kill(child.pid, SIGINT);
  const auto outcome = finish(child);
  ::close(writer);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  ASSERT_THAT(lines_of(outcome), SizeIs(2));
  EXPECT_TRUE(flag_at(lines_of(outcome)[1], "detected"));
}

TEST_F(DetectVerb, StopsALiveSourceAfterTheSecondsThatWereAskedFor) {
  const auto outcome =
      detect({model(), "-", "--json", "--seconds", "1"}, {.input_from = shared("word.raw")});
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_NEAR(number_at(lines_of(outcome)[0], "seconds"), 1, 0.2);
}

// ---- the microphone: ALSA devices that record what the test says

std::vector<std::int16_t> spoken_word() {
  const auto word = audio::load_audio(recorded_word());
  EXPECT_TRUE(word);
  std::vector<std::int16_t> samples;
  for (const float sample : *word) samples.push_back(static_cast<std::int16_t>(sample * 32768.0F));
  samples.resize(samples.size() + 16'000);
  return samples;
}

TEST_F(DetectVerb, ListensToTheMicrophone) {
  VirtualMicrophones microphones({{.name = "desk"}, {.name = "headset", .rate_hz = 48'000}});
  microphones.speak("desk", spoken_word());
  const auto outcome =
      detect({model(), "--microphone", "--device", "desk", "--json", "--seconds", "2.8"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto lines = lines_of(outcome);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_DOUBLE_EQ(number_at(lines[0], "time_s"), 1.775);
  EXPECT_EQ(*lines[1].find("file")->get_if<std::string>(), "desk");
  EXPECT_EQ(number_at(lines[1], "dropped"), 0);
}

TEST_F(DetectVerb, WaitsForAMicrophoneThatWentAway) {
  VirtualMicrophones microphones({{.name = "desk"}});
  microphones.speak("desk", spoken_word());
  const Child child = start({"detect", model(), "--microphone", "--device", "desk"});
  wait_for(child, child.out, "computer at ");
  microphones.pull_out("desk");
  wait_for(child, child.err, "waiting for it");
  microphones.plug_in("desk");
  wait_for(child, child.err, "is back");
  microphones.speak("desk", spoken_word());
  wait_for(child, child.out, "computer at ", 2);
  ::kill(child.pid, SIGINT);
  const auto outcome = finish(child);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("2 detections in "));
}

TEST_F(DetectVerb, SaysWhichMicrophonesThereAre) {
  VirtualMicrophones microphones({{.name = "desk"}, {.name = "headset"}});
  const auto outcome = detect({model(), "--microphone", "--device", "studio"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("desk"));
  EXPECT_THAT(outcome.err, HasSubstr("headset"));
}

TEST_F(DetectVerb, SaysThatThereIsNoMicrophone) {
  VirtualMicrophones microphones(std::vector<VirtualMicrophones::Device>{});
  const auto outcome = detect({model(), "--microphone"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, StartsWith("wakebuilder: detect: "));
}

/// An hour of sound, faster than real time, in the memory of a minute.
TEST_F(DetectVerb, TakesNoMoreMemoryForAnHour) {
  const std::string minute = std::string(1'920'000, '\x11');
  const std::size_t minutes = kIsSanitized ? 2 : 60;
  {
    std::ofstream file(folder_ / "long.raw", std::ios::binary);
    for (std::size_t i = 0; i < minutes; ++i) file << minute;
  }
  ASSERT_TRUE(core::write_file(folder_ / "short.raw", minute));
  const auto one = detect({model(), "-", "--json"}, {.input_from = folder_ / "short.raw"});
  Surroundings surroundings{.input_from = folder_ / "long.raw", .patience = 10};
  if (!kIsSanitized) surroundings.memory = 80'000'000;
  const auto all = detect({model(), "-", "--json"}, surroundings);
  EXPECT_EQ(all.status, one.status) << all.err;
  ASSERT_THAT(lines_of(all), SizeIs(1));
  EXPECT_NEAR(number_at(lines_of(all)[0], "seconds"), 60.0 * static_cast<double>(minutes), 1e-6);
  if (kIsSanitized) return;
  EXPECT_LT(all.peak_kib, one.peak_kib + 1024);
  EXPECT_LT(all.peak_kib, 80 * 1024);
}

}  // namespace
}  // namespace wakebuilder::test
