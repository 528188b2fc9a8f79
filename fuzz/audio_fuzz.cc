// A recording from anywhere: decoded, resampled and turned into features.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "wakebuilder/audio/features.h"
#include "wakebuilder/audio/reader.h"

namespace {

namespace audio = wakebuilder::audio;

constexpr std::size_t kMaxSamples = 16000 * 20;  // a few bytes of FLAC can be hours of silence

void require(bool condition) {
  if (!condition) std::abort();
}

/// Up to kMaxSamples; what comes before an error counts.
std::vector<float> read_samples(audio::AudioReader& reader) {
  std::vector<float> samples;
  std::array<float, 1000> piece{};
  while (samples.size() < kMaxSamples) {
    const auto count = reader.read(piece);
    if (!count) require(!count.error().message.empty());
    if (!count || *count == 0) break;
    require(*count <= piece.size());
    samples.insert(samples.end(), piece.begin(),
                   piece.begin() + static_cast<std::ptrdiff_t>(*count));
  }
  return samples;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto reader = audio::AudioReader::open(std::as_bytes(std::span(data, size)), "input");
  if (!reader) {
    require(reader.error().message.size() > 20);
    return 0;
  }
  const auto samples = read_samples(*reader);
  // Resampling can overflow to infinity where samples are near float's largest.
  if (!std::ranges::all_of(samples, [](float sample) { return std::isfinite(sample); })) return 0;
  const auto extractor = audio::FeatureExtractor::create({.frames = 128});
  const auto features = extractor->extract(samples);
  require(features.has_value() == (samples.size() >= audio::kFrameLength));
  if (!features) return 0;
  require(std::ranges::all_of(features->values, [](float value) { return std::isfinite(value); }));
  audio::FeatureStream stream({.frames = 128});
  std::vector<float> rows;
  for (std::size_t at = 0; at < samples.size(); at += 331) {
    const auto piece =
        std::span(samples).subspan(at, std::min<std::size_t>(331, samples.size() - at));
    require(stream.push(piece, rows).has_value());
  }
  const std::size_t valid = features->valid_frames * audio::kMelBins;
  require(std::equal(rows.begin(),
                     rows.begin() + static_cast<std::ptrdiff_t>(std::min(valid, rows.size())),
                     features->values.begin()));
  return 0;
}
