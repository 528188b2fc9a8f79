#include "wakebuilder/corpus/user_audio.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

#include <gtest/gtest.h>

#include "wakebuilder/audio/noise.h"
#include "wakebuilder/audio/wav.h"
#include "wakebuilder/corpus/clip.h"
#include "wakebuilder/corpus/random.h"

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::corpus {
namespace {

namespace fs = std::filesystem;

using test::HasError;
using test::IsOk;
using test::TemporaryFolder;

constexpr double kRateHz = 16000;

std::vector<float> silence(double seconds) {
  return std::vector<float>(static_cast<std::size_t>(std::round(seconds * kRateHz)));
}

/// Swells and dies away four times a second, as syllables do.
std::vector<float> speech(double seconds, double peak = 0.5) {
  auto samples = silence(seconds);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double time_s = static_cast<double>(i) / kRateHz;
    const double loud = std::pow(std::sin(std::numbers::pi * 4 * time_s), 2);
    samples[i] = static_cast<float>(peak * loud * std::sin(2 * std::numbers::pi * 300 * time_s));
  }
  return samples;
}

std::vector<float> hiss(double seconds, double rms) {
  Random random(1);
  auto samples = silence(seconds);
  for (float& sample : samples) sample = static_cast<float>(rms * random.normal());
  return samples;
}

std::vector<float> operator+(std::vector<float> first, const std::vector<float>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

class UserAudio : public testing::Test {
 protected:
  fs::path file(const std::string& name, const std::vector<float>& samples) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    EXPECT_THAT(audio::write_wav(path, samples), IsOk());
    return path;
  }
  Result<Frames> word(const std::vector<float>& samples) {
    return read_word_recording(file("word.wav", samples));
  }

  TemporaryFolder folder_;
};

// ---- the word ----

using ReadWordRecording = UserAudio;

TEST_F(ReadWordRecording, GivesWhatIsSaidWithoutSilentEndsAndAtTheLevelOfClips) {
  const auto said = word(silence(2) + speech(0.75, 0.2) + silence(1));
  ASSERT_THAT(said, IsOk());
  EXPECT_NEAR(static_cast<double>(said->size() / kBins), 75, 10);
  const auto clip = trimmed(speech(0.75)).value();
  EXPECT_NEAR(std::ranges::max(*said), std::ranges::max(log_mel(clip)), 0.1);
}

TEST_F(ReadWordRecording, TakesAWordInTheNoiseOfARoom) {
  auto samples = silence(1) + speech(0.75) + silence(1);
  const auto noise = hiss(2.75, 0.01);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] += noise[i];
  EXPECT_THAT(word(samples), IsOk());
}

TEST_F(ReadWordRecording, TakesAPersonsWordThatBeginsAndEndsAtOnce) {
  EXPECT_THAT(read_word_recording(fs::path(WAKEBUILDER_TEST_DATA) / "audio" /
                                  "human_computer_community.wav"),
              IsOk());
}

TEST_F(ReadWordRecording, RefusesWhatIsNoSound) {
  const fs::path path = folder_ / "word.wav";
  test::write(path, "Jarvis");
  const auto found = read_word_recording(path);
  EXPECT_THAT(found, HasError(ErrorCode::kUnsupported, "word.wav: is no sound file"));
  EXPECT_THAT(read_word_recording(folder_ / "gone.wav"),
              HasError(ErrorCode::kNotFound, "gone.wav: no such file"));
}

TEST_F(ReadWordRecording, RefusesSilence) {
  const auto sentence = "word.wav: expected a recording of the word, found silence";
  EXPECT_THAT(word(silence(1)), HasError(ErrorCode::kInvalidArgument, sentence));
  EXPECT_THAT(word(speech(1, 0.0009)), HasError(ErrorCode::kInvalidArgument, sentence));
}

TEST_F(ReadWordRecording, RefusesClippedSpeechAndNamesTheShare) {
  const auto loud = word(silence(4) + speech(0.75, 3));
  ASSERT_THAT(loud, HasError(ErrorCode::kInvalidArgument,
                             "word.wav: expected speech that is not clipped, found "));
  EXPECT_NE(loud.error().message.find(" % of the samples at full scale"), std::string::npos);
  // Of a few milliseconds nobody hears anything.
  EXPECT_THAT(word(speech(0.75, 1.0)), IsOk());
}

TEST_F(ReadWordRecording, RefusesSoundInWhichNobodySpeaks) {
  EXPECT_THAT(word(hiss(2, 0.1)),
              HasError(ErrorCode::kInvalidArgument,
                       "word.wav: expected speech at least 6 dB above its background, found 0."));
  EXPECT_THAT(word(hiss(1, 0.1) + silence(0.05) + hiss(1, 0.1)),
              HasError(ErrorCode::kInvalidArgument, "above its background"));
}

TEST_F(ReadWordRecording, RefusesWhatIsTooShortOrTooLong) {
  const auto found = [](const std::string& seconds) {
    return HasError(ErrorCode::kInvalidArgument,
                    "word.wav: expected 0.2 to 5 s of speech, found " + seconds + " s");
  };
  EXPECT_THAT(word(speech(30)), found("29.9"));
  EXPECT_THAT(word(silence(1) + hiss(5.05, 0.1) + silence(1)), found("5.07"));
  EXPECT_THAT(word(speech(0.05)), found("0.05"));
  EXPECT_THAT(word(silence(3) + hiss(0.05, 0.1) + silence(3)), found("0.07"));
  EXPECT_THAT(word(silence(1) + hiss(4.9, 0.1) + silence(1)), IsOk());
  EXPECT_THAT(word(silence(1) + hiss(0.2, 0.1) + silence(1)), IsOk());
}

// ---- lists ----

using ListRecordings = UserAudio;

TEST_F(ListRecordings, SortsFoldersAndFilesAndNamesEachOnce) {
  const auto b = file("words/b.wav", speech(1));
  const auto a = file("words/below/a.wav", speech(1));
  const auto c = file("c.wav", speech(1));
  fs::create_symlink(c, folder_ / "words/again.wav");
  const std::vector<fs::path> paths = {folder_ / "words", c, folder_ / "words/../words/b.wav", b};
  const auto found = list_recordings(paths);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->size(), 3U);
  EXPECT_TRUE(std::ranges::is_sorted(*found));
  std::set<fs::path> real;
  for (const fs::path& path : *found) real.insert(fs::canonical(path));
  EXPECT_EQ(real, (std::set<fs::path>{fs::canonical(a), fs::canonical(b), fs::canonical(c)}));
}

TEST_F(ListRecordings, SaysWhatIsNotThere) {
  fs::create_directory(folder_ / "empty");
  EXPECT_THAT(list_recordings(std::vector{folder_ / "empty"}),
              HasError(ErrorCode::kNotFound, "empty: expected WAV, FLAC, Ogg or MP3 files"));
  EXPECT_THAT(list_recordings(std::vector{folder_ / "gone"}),
              HasError(ErrorCode::kNotFound, "gone: expected a recording or a folder of them"));
}

// ---- hours without the word ----

class StreamNegatives : public UserAudio {
 protected:
  struct Piece {
    std::string file;
    std::vector<float> samples;
  };

  Result<NegativeSummary> stream(const NegativeOptions& options = {}) {
    pieces_.clear();
    return stream_negatives(
        std::vector{folder_.path()}, options,
        [this](std::span<const float> samples, const fs::path& path) {
          pieces_.push_back({path.filename().string(), {samples.begin(), samples.end()}});
          return Result<void>();
        });
  }
  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> sizes;
    for (const Piece& piece : pieces_) sizes.push_back(piece.samples.size());
    return sizes;
  }

  std::vector<Piece> pieces_;
};

TEST_F(StreamNegatives, CutsFilesIntoEqualPiecesAndLosesNothing) {
  file("a.wav", speech(50));
  file("b.wav", speech(29));
  file("c.wav", speech(0.5));
  const auto summary = stream();
  ASSERT_THAT(summary, IsOk());
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{266'666, 266'666, 266'668, 464'000, 8000}));
  EXPECT_EQ(pieces_[2].file, "a.wav");
  EXPECT_EQ(pieces_[3].file, "b.wav");
  EXPECT_EQ(summary->files, 3U);
  EXPECT_EQ(summary->pieces, 5U);
  EXPECT_NEAR(summary->hours * 3600, 79.5, 1e-9);
  EXPECT_NEAR(summary->hours_found * 3600, 79.5, 1e-9);
  EXPECT_TRUE(summary->skipped.empty());
}

TEST_F(StreamNegatives, GivesTheSamplesOfTheFileInTheirOrder) {
  std::vector<float> ramp(160'000);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i % 16'000) / 32'768;
  file("a.wav", ramp);
  ASSERT_THAT(stream({.piece_seconds = 1}), IsOk());
  ASSERT_EQ(pieces_.size(), 10U);
  for (const Piece& piece : pieces_) {
    const float step = piece.samples[1] - piece.samples[0];
    for (std::size_t i = 0; i < piece.samples.size(); ++i)
      ASSERT_NEAR(piece.samples[i], step * static_cast<float>(i), 1e-3) << i;
  }
}

TEST_F(StreamNegatives, BringsEachPieceToTheLevelOfClips) {
  file("loud.wav", speech(3, 0.9));
  file("low.wav", speech(3, 0.05));
  file("noise.wav", hiss(3, 0.001));
  file("silence.wav", silence(3));
  ASSERT_THAT(stream(), IsOk());
  std::map<std::string, double> levels;
  for (const Piece& piece : pieces_)
    levels[piece.file] = audio::speech_level(piece.samples).active_rms;
  EXPECT_NEAR(levels["loud.wav"], kClipLevel, 0.001);
  EXPECT_NEAR(levels["low.wav"], kClipLevel, 0.001);
  EXPECT_NEAR(levels["noise.wav"], 0.01, 0.0005) << "20 dB at most";
  EXPECT_LT(levels["silence.wav"], 1e-5);
}

TEST_F(StreamNegatives, ChoosesPiecesEvenlyWhereThereIsMoreThanWanted) {
  for (int i = 0; i < 4; ++i) file("short" + std::to_string(i) + ".wav", speech(60));
  file("long.wav", speech(360));
  const NegativeOptions options{.most_hours = 0.05, .piece_seconds = 10, .seed = 1};
  std::size_t from_long = 0;
  std::set<std::vector<std::string>> choices;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    auto other = options;
    other.seed = seed;
    const auto summary = stream(other);
    ASSERT_THAT(summary, IsOk());
    EXPECT_EQ(summary->pieces, 18U);  // of 60
    EXPECT_NEAR(summary->hours, 0.05, 1e-9);
    EXPECT_NEAR(summary->hours_found, 600.0 / 3600, 1e-9);
    std::vector<std::string> names;
    for (const Piece& piece : pieces_) names.push_back(piece.file);
    from_long += static_cast<std::size_t>(std::ranges::count(names, std::string("long.wav")));
    choices.insert(names);
  }
  // 0.6 of 108, with a deviation of 4.3 (hypergeometric).
  EXPECT_NEAR(static_cast<double>(from_long), 64.8, 13);
  EXPECT_GT(choices.size(), 3U);
}

TEST_F(StreamNegatives, IsTheSameForTheSameSeed) {
  file("a.wav", speech(240));
  const NegativeOptions options{.most_hours = 0.05, .piece_seconds = 7, .seed = 3};
  ASSERT_THAT(stream(options), IsOk());
  const auto first = pieces_;
  ASSERT_THAT(stream(options), IsOk());
  ASSERT_EQ(pieces_.size(), first.size());
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(pieces_[i].samples, first[i].samples);
}

TEST_F(StreamNegatives, ReadsOtherFormatsAndRates) {
  for (const char* name : {"rate_44100.flac", "rate_44100.ogg", "rate_44100.mp3", "rate_22050.wav"})
    fs::copy(fs::path(WAKEBUILDER_TEST_DATA) / "audio" / name, folder_ / name);
  const auto summary = stream();
  ASSERT_THAT(summary, IsOk());
  EXPECT_EQ(summary->pieces, 4U);
  for (const std::size_t size : sizes()) EXPECT_NEAR(static_cast<double>(size), 16'000, 1300);
}

TEST_F(StreamNegatives, SkipsWhatCannotBeReadAndSaysWhy) {
  file("good.wav", speech(3));
  file("tiny.wav", speech(0.05));
  test::write(folder_ / "text.wav", "no sound");
  const auto summary = stream();
  ASSERT_THAT(summary, IsOk());
  EXPECT_EQ(summary->files, 1U);
  EXPECT_EQ(summary->pieces, 1U);
  ASSERT_EQ(summary->skipped.size(), 2U);
  EXPECT_EQ(summary->skipped[0].file, folder_ / "text.wav");
  EXPECT_NE(summary->skipped[0].reason.find("text.wav: is no sound file"), std::string::npos);
  EXPECT_NE(
      summary->skipped[1].reason.find("tiny.wav: expected at least 0.1 s of sound, found 0.05 s"),
      std::string::npos);
}

TEST_F(StreamNegatives, UsesWhatComesBeforeDamage) {
  const std::string whole =
      test::read(fs::path(WAKEBUILDER_TEST_DATA) / "audio" / "rate_44100.flac");
  test::write(folder_ / "torn.flac", whole.substr(0, whole.size() * 3 / 4));
  file("whole.wav", speech(3));
  const auto summary = stream();
  ASSERT_THAT(summary, IsOk());
  ASSERT_EQ(summary->skipped.size(), 1U);
  EXPECT_NE(summary->skipped[0].reason.find("torn.flac"), std::string::npos);
  ASSERT_EQ(pieces_.size(), 2U);
  EXPECT_GT(pieces_[0].samples.size(), 8000U);
  EXPECT_LT(pieces_[0].samples.size(), 15'000U);
}

TEST_F(StreamNegatives, ReportsDamageOfWhatDoesNotSayItsLength) {
  std::string bytes = test::read(fs::path(WAKEBUILDER_TEST_DATA) / "audio" / "rate_44100.flac");
  // STREAMINFO's number of samples, 36 bits: 0 is unknown, as when a recorder writes to a pipe.
  bytes[21] = static_cast<char>(bytes[21] & '\xf0');
  std::fill_n(bytes.begin() + 22, 4, '\0');
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() * 3 / 4), 2000, 'x');
  test::write(folder_ / "torn.flac", bytes);
  file("whole.wav", speech(3));
  const auto summary = stream();
  ASSERT_THAT(summary, IsOk());
  ASSERT_EQ(summary->skipped.size(), 1U);
  EXPECT_NE(summary->skipped[0].reason.find("torn.flac: is damaged"), std::string::npos);
  ASSERT_EQ(pieces_.size(), 2U);
  EXPECT_GT(pieces_[0].samples.size(), 8000U);
}

TEST_F(StreamNegatives, FailsWhenNothingCanBeRead) {
  test::write(folder_ / "text.wav", "no sound");
  const auto found = stream();
  EXPECT_THAT(found, HasError(ErrorCode::kCorrupt,
                              "expected recordings without the word that can be read, found none"));
  EXPECT_THAT(found, HasError(ErrorCode::kCorrupt, "text.wav: is no sound file"));
}

TEST_F(StreamNegatives, StopsWithTheErrorOfItsReceiver) {
  file("a.wav", speech(3));
  file("b.wav", speech(3));
  int calls = 0;
  const auto stopped =
      stream_negatives(std::vector{folder_.path()}, {},
                       [&calls](std::span<const float>, const fs::path&) -> Result<void> {
                         ++calls;
                         return fail(ErrorCode::kIo, "stopped");
                       });
  EXPECT_THAT(stopped, HasError(ErrorCode::kIo, "stopped"));
  EXPECT_EQ(calls, 1);
}

TEST_F(StreamNegatives, RefusesOptionsOutOfRange) {
  file("a.wav", speech(1));
  EXPECT_THAT(stream({.most_hours = 0}),
              HasError(ErrorCode::kInvalidArgument, "0.05 to 1000 hours"));
  EXPECT_THAT(stream({.most_hours = std::nan("")}),
              HasError(ErrorCode::kInvalidArgument, "found nan"));
  EXPECT_THAT(stream({.piece_seconds = 61}),
              HasError(ErrorCode::kInvalidArgument, "expected pieces of 1 to 60 s, found 61"));
}

}  // namespace
}  // namespace wakebuilder::corpus
