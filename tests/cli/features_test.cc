// The verb `features` as scripts see it.

#include "wakebuilder/audio/features.h"

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/audio/reader.h"
#include "wakebuilder/checkpoint/checkpoint.h"

#include "audio/sound.h"
#include "cli/process.h"
#include "support/sanitizer.h"
#include "support/temporary_folder.h"

namespace wakebuilder::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string sound(const std::string& name) { return audio::test::data(name).string(); }

std::int64_t integer_at(const core::Value& value, const char* key) {
  const core::Value* found = value.find(key);
  const auto* number = found != nullptr ? found->get_if<std::int64_t>() : nullptr;
  return number != nullptr ? *number : -1;
}

audio::Features expected(const std::string& name, const audio::FeatureOptions& options) {
  return *audio::FeatureExtractor::create(options)->extract(*audio::load_audio(sound(name)));
}

std::string text_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

TEST(FeaturesVerb, WritesNumpysFormat) {
  const TemporaryFolder folder;
  const auto outcome = run({"features", sound("chirp.wav"), "--output", "f.npy", "--json"},
                           {.folder = folder.path(), .environment = {}});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto answer = json_of(outcome);
  EXPECT_EQ(integer_at(answer, "frames"), 1024);
  EXPECT_EQ(integer_at(answer, "mel_bins"), 128);
  EXPECT_EQ(integer_at(answer, "valid_frames"), 98);
  EXPECT_THAT(folder.names(), ElementsAre("f.npy"));
  const std::string bytes = read(folder / "f.npy");
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1024, 128), }";
  ASSERT_EQ(bytes.size(), 128U + 1024 * 128 * 4);
  EXPECT_EQ(bytes.substr(0, 10), std::string("\x93NUMPY\x01\0\x76\0", 10));
  EXPECT_EQ(bytes.substr(10, header.size()), header);
  EXPECT_EQ(bytes[127], '\n');
  EXPECT_EQ(bytes.substr(128), text_of(expected("chirp.wav", {}).values));
}

TEST(FeaturesVerb, WritesSafetensorsBySettingsFromAFile) {
  const TemporaryFolder folder;
  write(folder / "p.json", R"({"max_length": 128, "mean": -6.845978, "std": 5.5654526})");
  const auto outcome = run({"features", sound("rate_44100.mp3"), "--preprocessor", "p.json",
                            "--output", "f.safetensors"},
                           {.folder = folder.path(), .environment = {}});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("98 frames, 0.995 s"));
  const auto checkpoint = checkpoint::read(folder / "f.safetensors");
  ASSERT_TRUE(checkpoint.has_value());
  const auto* tensor = checkpoint->root.find("input_values")->get_if<core::Tensor>();
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->shape(), (core::Shape{128, 128}));
  const auto values = tensor->as<float>();
  const auto want =
      expected("rate_44100.mp3", {.frames = 128, .mean = -6.845978, .std = 5.5654526}).values;
  EXPECT_TRUE(std::equal(values.begin(), values.end(), want.begin(), want.end()));
  EXPECT_EQ(*checkpoint->file_metadata.find("mean")->get_if<std::string>(), "-6.845978");
  EXPECT_EQ(*checkpoint->file_metadata.find("valid_frames")->get_if<std::string>(), "98");
}

TEST(FeaturesVerb, DrawsAPicture) {
  const TemporaryFolder folder;
  const auto outcome = run({"features", sound("chirp.wav"), "--output", "f.png"},
                           {.folder = folder.path(), .environment = {}});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(read(folder / "f.png"), StartsWith("\x89PNG"));
}

struct Case {
  std::vector<std::string> arguments;
  std::string sentence;
};

TEST(FeaturesVerb, SaysWhatIsWrongInOneLineAndLeavesNothing) {
  const TemporaryFolder folder;
  const std::string chirp = sound("chirp.wav");
  const std::vector<Case> cases = {
      {{chirp}, "--output is required"},
      {{chirp, "--output", "f.txt"},
       "f.txt: expected a name that ends in .npy, .safetensors or .png"},
      {{"none.wav", "--output", "f.npy"}, "none.wav: no such file"},
      {{".", "--output", "f.npy"}, ".: expected a file, found a folder"},
      {{sound("README.md"), "--output", "f.npy"}, "README.md: is no sound file that can be read"},
      {{sound("short_399.wav"), "--output", "f.npy"},
       "short_399.wav: is too short: expected at least 400 samples at 16 kHz (25 ms), found 399"},
      {{chirp, "--output", "f.npy", "--std", "0"}, "std: expected 1e-06 to 1000, found 0"},
      {{chirp, "--output", "f.npy", "--frames", "0"}, "--frames"},
      {{chirp, "--output", "f.npy", "--frames", "9", "--preprocessor", "p.json"},
       "--preprocessor excludes --frames"},
      {{chirp, "--output", "f.npy", "--preprocessor", "p.json"}, "p.json: no such file"},
      {{chirp, "--output", "none/f.npy"}, "none/f.npy: its folder is not there"}};
  for (const Case& c : cases) {
    std::vector<std::string> arguments = {"features"};
    arguments.insert(arguments.end(), c.arguments.begin(), c.arguments.end());
    const auto outcome = run(arguments, {.folder = folder.path(), .environment = {}});
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_THAT(outcome.err, StartsWith("wakebuilder: features: "));
    EXPECT_THAT(outcome.err, HasSubstr(c.sentence));
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  }
  EXPECT_THAT(folder.names(), IsEmpty());
}

/// Twenty minutes of sound are 38 MB of samples; only the frames that are wanted are read.
TEST(FeaturesVerb, TakesLittleMemoryForALongRecording) {
  const TemporaryFolder folder;
  write(folder / "long.wav", audio::test::bytes_of({.samples = std::string(38'400'000, '\x11')}));
  const auto outcome =
      run({"features", "long.wav", "--output", "f.npy", "--frames", "20000", "--json"},
          {.folder = folder.path(), .environment = {}});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(integer_at(json_of(outcome), "valid_frames"), 20000);
  if (kIsSanitized) return;                // its memory is not ours
  EXPECT_LT(outcome.peak_kib, 80 * 1024);  // of it 10 MB features, and the libraries
}

}  // namespace
}  // namespace wakebuilder::test
