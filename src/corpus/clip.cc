#include "wakebuilder/corpus/clip.h"

#include <algorithm>
#include <cmath>

#include "wakebuilder/audio/features.h"
#include "wakebuilder/audio/noise.h"
#include "wakebuilder/core/expect.h"

namespace wakebuilder::corpus {
namespace {

constexpr std::size_t kPiece = 160;  ///< samples in which the loudness is looked at
constexpr std::size_t kShortest = 1600;
constexpr float kSilence = 1e-3F;
constexpr float kQuietEnd = 0.0063095734F;  ///< 10^-2.2 of the loudest piece
constexpr std::size_t kKeptBefore = 3;      ///< pieces
constexpr std::size_t kKeptBehind = 3;

std::vector<float> loudness(std::span<const float> samples) {
  std::vector<float> loudness;
  for (std::size_t at = 0; at + kPiece <= samples.size(); at += kPiece) {
    float sum = 0;
    for (const float sample : samples.subspan(at, kPiece)) sum += sample * sample;
    loudness.push_back(std::sqrt(sum / kPiece));
  }
  return loudness;
}

std::span<const float> without_silent_ends(std::span<const float> samples) {
  const std::vector<float> pieces = loudness(samples);
  const float edge = std::ranges::max(pieces) * kQuietEnd;
  const auto is_loud = [edge](float piece) { return piece > edge; };
  const auto first =
      static_cast<std::size_t>(std::ranges::find_if(pieces, is_loud) - pieces.begin());
  const auto last = static_cast<std::size_t>(
      pieces.rend() - std::find_if(pieces.rbegin(), pieces.rend(), is_loud) - 1);
  const std::size_t begin = first - std::min(first, kKeptBefore);
  const std::size_t end = std::min(pieces.size(), last + 1 + kKeptBehind);
  return samples.subspan(begin * kPiece, (end - begin) * kPiece);
}

}  // namespace

std::optional<std::vector<float>> trimmed(std::span<const float> samples) {
  const bool is_silent =
      std::ranges::none_of(samples, [](float sample) { return std::abs(sample) > kSilence; });
  if (samples.size() < kShortest || is_silent) return std::nullopt;
  const auto said = without_silent_ends(samples);
  const auto gain = static_cast<float>(kClipLevel / audio::speech_level(said).active_rms);
  std::vector<float> clip(said.begin(), said.end());
  for (float& sample : clip) sample = std::clamp(sample * gain, -1.0F, 1.0F);
  return clip;
}

Frames log_mel(std::span<const float> samples) {
  audio::FeatureStream stream({.normalise = false});
  Frames frames;
  const auto pushed = stream.push(samples, frames);
  WAKEBUILDER_EXPECT(pushed.has_value());
  return frames;
}

}  // namespace wakebuilder::corpus
