// The features of 10.24 s of sound, one thread: as a batch, as a stream, by each kernel; reading
// and resampling a recording.

#include "wakebuilder/audio/features.h"

#include <algorithm>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "wakebuilder/audio/reader.h"

namespace {

namespace audio = wakebuilder::audio;

constexpr std::size_t kSamples = 163'840;
constexpr double kSeconds = 10.24;

std::vector<float> noise() {
  std::vector<float> values(kSamples);
  std::uint32_t seed = 1;
  for (float& value : values) {
    seed = seed * 1664525U + 1013904223U;
    value = static_cast<float>(seed >> 8U) / 16777216.0F - 0.5F;
  }
  return values;
}

void count_seconds(benchmark::State& state) {
  state.counters["seconds_per_second"] =
      benchmark::Counter(kSeconds, benchmark::Counter::kIsIterationInvariantRate);
}

void batch(benchmark::State& state) {
  const auto sound = noise();
  const auto extractor = audio::FeatureExtractor::create({});
  for (auto _ : state) {
    const auto features = extractor->extract(sound);
    if (!features || features->valid_frames != 1022) state.SkipWithError("wrong result");
    benchmark::DoNotOptimize(features->values.data());
  }
  count_seconds(state);
}
BENCHMARK(batch)->Unit(benchmark::kMicrosecond);

/// In pieces of as many samples as the argument says.
void stream(benchmark::State& state) {
  const auto sound = noise();
  const auto piece = static_cast<std::size_t>(state.range(0));
  std::vector<float> rows;
  for (auto _ : state) {
    audio::FeatureStream features({});
    rows.clear();
    for (std::size_t at = 0; at < kSamples; at += piece) {
      const auto part = std::span(sound).subspan(at, std::min(piece, kSamples - at));
      if (!features.push(part, rows)) state.SkipWithError("wrong result");
    }
    if (rows.size() != 1022 * audio::kMelBins) state.SkipWithError("wrong result");
  }
  count_seconds(state);
}
BENCHMARK(stream)->Arg(160)->Arg(640)->Arg(1600)->Unit(benchmark::kMicrosecond);

/// A 16 bit WAV in memory at the rate of the argument.
std::string wav_of(std::uint32_t rate_hz) {
  const auto size = static_cast<std::uint32_t>(kSeconds * rate_hz) * 2;
  std::string bytes = "RIFF";
  const auto put = [&](std::uint32_t value, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(value >> 8U * i & 0xffU);
  };
  put(36 + size, 4);
  bytes += "WAVEfmt ";
  put(16, 4), put(1, 2), put(1, 2), put(rate_hz, 4), put(2 * rate_hz, 4), put(2, 2), put(16, 2);
  bytes += "data";
  put(size, 4);
  for (std::uint32_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 2654435761U >> 24U);
  return bytes;
}

void read(benchmark::State& state) {
  const std::string wav = wav_of(static_cast<std::uint32_t>(state.range(0)));
  std::vector<float> piece(4096);
  for (auto _ : state) {
    auto reader = audio::AudioReader::open(std::as_bytes(std::span(wav)), "wav");
    if (!reader) return state.SkipWithError("wrong result");
    std::size_t samples = 0;
    while (true) {
      const auto count = reader->read(piece);
      if (!count) return state.SkipWithError("wrong result");
      if (*count == 0) break;
      samples += *count;
    }
    if (samples != kSamples) state.SkipWithError("wrong result");
  }
  count_seconds(state);
}
BENCHMARK(read)->Arg(16000)->Arg(44100)->Arg(48000)->Unit(benchmark::kMicrosecond);

}  // namespace
