#include "wakebuilder/audio/reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audio/sound.h"
#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::audio {
namespace {

using test::bytes_of;
using test::data;
using test::samples_of;
using test::Wav;
using wakebuilder::test::HasError;
using wakebuilder::test::IsOk;
using wakebuilder::test::TemporaryFolder;

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

Result<std::vector<float>> read_all(Result<AudioReader> reader, std::size_t piece_size) {
  if (!reader) return fail(reader.error());
  std::vector<float> samples;
  std::vector<float> piece(piece_size);
  while (true) {
    WAKEBUILDER_TRY(const std::size_t count, reader->read(piece));
    if (count == 0) return samples;
    samples.insert(samples.end(), piece.begin(),
                   piece.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

Result<std::vector<float>> read_bytes(const std::string& bytes) {
  return read_all(AudioReader::open(as_bytes(bytes), "x.wav"), 4096);
}

// ---- golden files ----

struct Golden {
  std::string file;
  AudioInfo info;
  bool is_exact;  // the same decoder everywhere
};

void PrintTo(const Golden& golden, std::ostream* out) { *out << golden.file; }

class GoldenSound : public testing::TestWithParam<Golden> {};

/// The references were made in one piece. Other decoders of Vorbis and MP3, and soxr on other
/// processors, may differ in the last bit of a float near 1.
double tolerance(const Golden& golden) {
#ifdef __x86_64__
  if (golden.is_exact) return 0.0;
#endif
  return golden.info.sample_rate_hz == 16000 ? 0.0 : 2e-7;
}

TEST_P(GoldenSound, IsReadAsSoxrDoesInOnePiece) {
  const Golden& golden = GetParam();
  const auto want = test::numbers<float>(golden.file + ".f32");
  const auto got = load_audio(data(golden.file));
  ASSERT_THAT(got, IsOk());
  ASSERT_EQ(got->size(), want.size());
  double largest = 0;
  for (std::size_t i = 0; i < want.size(); ++i)
    largest = std::max(largest, std::abs(double{(*got)[i]} - double{want[i]}));
  EXPECT_LE(largest, tolerance(golden));
}

TEST_P(GoldenSound, IsTheSameInPiecesOfAnySize) {
  const auto path = data(GetParam().file);
  const auto want = read_all(AudioReader::open(path), 16000);
  ASSERT_THAT(want, IsOk());
  for (const std::size_t piece : {1U, 7U, 160U, 5000U}) {
    EXPECT_EQ(read_all(AudioReader::open(path), piece), want) << piece;
  }
}

TEST_P(GoldenSound, IsTheSameFromMemory) {
  const auto path = data(GetParam().file);
  const std::string bytes = wakebuilder::test::read(path);
  EXPECT_EQ(read_all(AudioReader::open(as_bytes(bytes), "memory"), 999), load_audio(path));
}

TEST_P(GoldenSound, SaysWhatItIs) {
  const auto reader = AudioReader::open(data(GetParam().file));
  ASSERT_THAT(reader, IsOk());
  const AudioInfo& want = GetParam().info;
  EXPECT_EQ(reader->info().format, want.format);
  EXPECT_EQ(reader->info().sample_rate_hz, want.sample_rate_hz);
  EXPECT_EQ(reader->info().channels, want.channels);
  EXPECT_EQ(reader->info().frames, want.frames);
}

INSTANTIATE_TEST_SUITE_P(
    All, GoldenSound,
    testing::Values(Golden{"rate_16000_pcm8.wav", {"WAV", 16000, 1, 16000}, true},
                    Golden{"rate_8000_mulaw.wav", {"WAV", 8000, 1, 8000}, true},
                    Golden{"rate_22050.wav", {"WAV", 22050, 1, 22050}, true},
                    Golden{"rate_48000_stereo.wav", {"WAV", 48000, 2, 48000}, true},
                    Golden{"rate_44100.flac", {"FLAC", 44100, 1, 44100}, true},
                    Golden{"rate_44100.mp3", {"MP3", 44100, 1, 44100}, false},
                    Golden{"rate_44100.ogg", {"Ogg", 44100, 1, 44100}, false}),
    [](const auto& instance) {
      std::string name = instance.param.file;
      std::ranges::replace_if(
          name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
      return name;
    });

// ---- formats ----

TEST(AudioReader, ScalesIntegersToOne) {
  const auto bytes = bytes_of({.samples = samples_of<std::int16_t>({-32768, 16384, 0, 32767})});
  EXPECT_EQ(read_bytes(bytes), (std::vector<float>{-1.0F, 0.5F, 0.0F, 32767.0F / 32768.0F}));
}

TEST(AudioReader, KeepsFloatsAsTheyAre) {
  const std::vector<float> samples = {0.1F, -2.5F, 1e-20F};
  const auto bytes = bytes_of({.format = 3, .bits = 32, .samples = samples_of(samples)});
  EXPECT_EQ(read_bytes(bytes), samples);
}

TEST(AudioReader, MixesChannelsToTheirMean) {
  const auto bytes =
      bytes_of({.channels = 3, .samples = samples_of<std::int16_t>({3, 6, 9, -32768, 0, 32766})});
  EXPECT_EQ(read_bytes(bytes), (std::vector<float>{6.0F / 32768.0F, -2.0F / 3.0F / 32768.0F}));
}

TEST(AudioReader, ReadsWavThatWasWrittenToAPipe) {
  const auto bytes =
      bytes_of({.samples = samples_of<std::int16_t>({1, 2, 3}), .declared = 0x7fffffffU});
  const auto samples = read_bytes(bytes);
  ASSERT_THAT(samples, IsOk());
  EXPECT_EQ(samples->size(), 3U);
}

// ---- bad input ----

struct Bad {
  std::string name;
  std::string bytes;
  ErrorCode code;
  std::string sentence;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

class BadSound : public testing::TestWithParam<Bad> {};

TEST_P(BadSound, IsRefusedInOneSentence) {
  EXPECT_THAT(read_bytes(GetParam().bytes), HasError(GetParam().code, GetParam().sentence));
}

std::string golden_part(const std::string& name, std::size_t size) {
  return wakebuilder::test::read(data(name)).substr(0, size);
}

std::vector<float> with_sample(float bad, std::size_t at) {
  std::vector<float> samples(8000);
  samples[at] = bad;
  return samples;
}

const std::string kSilence = samples_of(std::vector<std::int16_t>(100));
constexpr float kInfinity = std::numeric_limits<float>::infinity();

INSTANTIATE_TEST_SUITE_P(
    All, BadSound,
    testing::Values(
        Bad{"Empty", "", ErrorCode::kCorrupt, "x.wav: is empty; expected a sound file"},
        Bad{"Text", "jarvis is not a recording", ErrorCode::kUnsupported,
            "x.wav: is no sound file that can be read; expected WAV, FLAC, Ogg or MP3"},
        Bad{"RawSamples", std::string(4000, '\0'), ErrorCode::kUnsupported, "is no sound file"},
        Bad{"OtherRiff", "RIFF\x04\x00\x00\x00 AVI", ErrorCode::kUnsupported, "is no sound file"},
        Bad{"HeaderOnly", std::string("RIFF\x24\0\0\0WAVEfmt ", 16), ErrorCode::kCorrupt,
            "x.wav: is a damaged WAV file: "},
        Bad{"NoSamples", bytes_of({}), ErrorCode::kCorrupt,
            "x.wav: holds no samples; expected sound behind its header"},
        Bad{"TornWav", bytes_of({.samples = kSilence, .declared = 32000}), ErrorCode::kCorrupt,
            "x.wav: is cut off: expected 32000 bytes of samples, found 200"},
        Bad{"TornFlac", golden_part("rate_44100.flac", 20000), ErrorCode::kCorrupt,
            "x.wav: is damaged 0.3"},
        Bad{"TornMp3", golden_part("rate_44100.mp3", 6000), ErrorCode::kCorrupt,
            "x.wav: is cut off: expected 11369 bytes of sound, found 6000"},
        Bad{"TornOgg", golden_part("rate_44100.ogg", 5000), ErrorCode::kCorrupt,
            "holds no samples"},
        Bad{"FlacHeaderOnly", golden_part("rate_44100.flac", 60), ErrorCode::kCorrupt,
            "x.wav: is a damaged FLAC file: "},
        Bad{"NoChannels", bytes_of({.channels = 0, .samples = kSilence}), ErrorCode::kCorrupt,
            "x.wav: is a damaged WAV file: "},
        Bad{"ManyChannels", bytes_of({.channels = 65, .samples = std::string(1300, '\0')}),
            ErrorCode::kUnsupported, "x.wav: expected 1 to 64 channels, found 65"},
        Bad{"NoRate", bytes_of({.rate_hz = 0, .samples = kSilence}), ErrorCode::kCorrupt,
            "x.wav: is a damaged WAV file: its header contradicts itself"},
        Bad{"LowRate", bytes_of({.rate_hz = 999, .samples = kSilence}), ErrorCode::kUnsupported,
            "x.wav: expected a sample rate of 1000 to 768000 Hz, found 999"},
        Bad{"HighRate", bytes_of({.rate_hz = 2'000'000'000, .samples = kSilence}),
            ErrorCode::kUnsupported, "Hz, found 2000000000"},
        Bad{"NaN",
            bytes_of({.format = 3,
                      .rate_hz = 8000,
                      .bits = 32,
                      .samples = samples_of(with_sample(std::nanf(""), 6000))}),
            ErrorCode::kCorrupt, "x.wav: the sample at 0.750 s is NaN; expected finite numbers"},
        Bad{"Infinity",
            bytes_of({.format = 3, .bits = 32, .samples = samples_of(with_sample(kInfinity, 160))}),
            ErrorCode::kCorrupt, "x.wav: the sample at 0.010 s is infinite"}),
    [](const auto& instance) { return instance.param.name; });

TEST(AudioReader, RefusesFoldersDevicesAndWhatIsNotThere) {
  const TemporaryFolder folder;
  EXPECT_THAT(load_audio(folder.path()),
              HasError(ErrorCode::kUnsupported, ": expected a file, found a folder"));
  EXPECT_THAT(load_audio(folder / "none.wav"), HasError(ErrorCode::kNotFound, ": no such file"));
  EXPECT_THAT(load_audio("/dev/null"), HasError(ErrorCode::kUnsupported, "found a device"));
}

TEST(AudioReader, GivesWhatComesBeforeAnErrorAndThenTheErrorAgain) {
  const auto bytes =
      bytes_of({.format = 3, .bits = 32, .samples = samples_of(with_sample(kInfinity, 7000))});
  auto reader = AudioReader::open(as_bytes(bytes), "x.wav");
  ASSERT_THAT(reader, IsOk());
  std::vector<float> samples(8000);
  EXPECT_EQ(reader->read(samples), 4096U);  // the piece before
  EXPECT_THAT(reader->read(samples), HasError(ErrorCode::kCorrupt, "0.438 s is infinite"));
  EXPECT_THAT(reader->read(samples), HasError(ErrorCode::kCorrupt, "0.438 s is infinite"));
}

TEST(LoadAudio, RefusesRecordingsThatAreTooLong) {
  EXPECT_THAT(load_audio(data("rate_22050.wav"), 0.5),
              HasError(ErrorCode::kUnsupported, ": is longer than 0.5 s"));
  EXPECT_THAT(load_audio(data("rate_22050.wav"), 1.0), IsOk());
}

}  // namespace
}  // namespace wakebuilder::audio
