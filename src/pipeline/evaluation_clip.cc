#include "pipeline/evaluation_clip.h"

#include <algorithm>
#include <cmath>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/audio/reader.h"

namespace wakebuilder::pipeline {
namespace {

constexpr std::size_t kRateHz = 16'000;
constexpr std::size_t kEdge = kRateHz / 2;
constexpr std::size_t kPiece = kRateHz;
constexpr std::uint64_t kMostKept = 60 * kRateHz;
constexpr std::uint64_t kLeast = 1600;  ///< shorter clips are filled up with zeros
constexpr std::size_t kPinkSamples = 150 * kRateHz;
constexpr std::size_t kLeastTalk = 4000;
constexpr double kLatestTalk = 600.0 * kRateHz;
constexpr std::size_t kTalkers = 8;
constexpr int kMostTries = 1000;  ///< one after the other that are too short

Result<void> each_piece_of(const std::filesystem::path& path, const TakeSamples& take) {
  WAKEBUILDER_TRY(auto reader, audio::AudioReader::open(path));
  std::vector<float> piece(kPiece);
  for (;;) {
    WAKEBUILDER_TRY(const std::size_t count, reader.read(piece));
    if (count == 0) return {};
    WAKEBUILDER_CHECK(take(std::span(piece).first(count)));
  }
}

/// Where talkers of a long recording begin: not all at the same place, but in its first minutes.
std::size_t begin_of_talk(const audio::AudioInfo& info, std::size_t most, corpus::Random& random) {
  const double length = static_cast<double>(info.frames.value_or(0)) * kRateHz /
                        static_cast<double>(info.sample_rate_hz);
  const double room = std::min(length - static_cast<double>(most), kLatestTalk);
  return room < 1 || length < kPinkSamples
             ? 0
             : static_cast<std::size_t>(random.index(static_cast<std::int64_t>(room)));
}

Result<void> skip(audio::AudioReader& reader, std::size_t samples) {
  std::vector<float> piece(kPiece);
  while (samples > 0) {
    WAKEBUILDER_TRY(const std::size_t count,
                    reader.read(std::span(piece).first(std::min(samples, kPiece))));
    if (count == 0) return {};
    samples -= count;
  }
  return {};
}

/// At most `most` samples of a recording at its active level of 1; nothing when it is too short or
/// cannot be read.
std::vector<float> talk(const std::filesystem::path& path, std::size_t most,
                        corpus::Random& random) {
  auto reader = audio::AudioReader::open(path);
  if (!reader) return {};
  most = std::max(most, kLeastTalk);
  if (!skip(*reader, begin_of_talk(reader->info(), most, random))) return {};
  std::vector<float> samples(most);
  const auto count = reader->read(samples);
  if (!count || *count < kLeastTalk) return {};
  samples.resize(*count);
  const double gain = 1 / audio::speech_level(samples).active_rms;
  for (float& sample : samples) sample = static_cast<float>(double{sample} * gain);
  return samples;
}

Result<void> add_talker(std::span<const std::filesystem::path> speech, corpus::Random& random,
                        std::span<float> out) {
  int tries = 0;
  for (std::size_t at = 0; at < out.size();) {
    const auto samples = talk(random.any_of(speech), out.size() - at, random);
    tries = samples.empty() ? tries + 1 : 0;
    if (tries == kMostTries) {
      return fail(ErrorCode::kInvalidArgument,
                  "expected a negative of at least 0.25 s to make babble of, found none");
    }
    const std::size_t count = std::min(samples.size(), out.size() - at);
    for (std::size_t i = 0; i < count; ++i) out[at + i] += samples[i];
    at += count;
  }
  return {};
}

/// Follows the clip from its first sample and adds the noise.
class Mixer {
 public:
  Mixer(const std::optional<MixedNoise>& noise, std::uint64_t length, double active_rms,
        corpus::Random& random)
      : noise_(noise) {
    if (!noise) return;
    gain_ = static_cast<float>(active_rms * std::pow(10, -noise->snr_db / 20));
    if (length < noise->samples.size())
      at_ = static_cast<std::size_t>(
          random.index(static_cast<std::int64_t>(noise->samples.size() - length)));
  }

  std::span<const float> mix(std::span<const float> samples) {
    mixed_.assign(samples.begin(), samples.end());
    if (noise_) {
      for (float& sample : mixed_) {
        sample += noise_->samples[at_] * gain_;
        if (++at_ == noise_->samples.size()) at_ = 0;
      }
    }
    return mixed_;
  }

 private:
  const std::optional<MixedNoise>& noise_;
  float gain_ = 0;
  std::size_t at_ = 0;
  std::vector<float> mixed_;
};

std::vector<float> edge(double rms, corpus::Random& random) {
  std::vector<float> samples(kEdge);
  for (float& sample : samples) sample = static_cast<float>(random.normal() * rms);
  return samples;
}

}  // namespace

Result<EvaluationClip> EvaluationClip::open(const std::filesystem::path& path, std::uint64_t seed) {
  EvaluationClip clip;
  clip.path_ = path;
  clip.seed_ = seed;
  audio::SpeechLevelMeter meter;
  WAKEBUILDER_CHECK(each_piece_of(path, [&](std::span<const float> samples) -> Result<void> {
    meter.add(samples);
    clip.samples_ += samples.size();
    if (clip.samples_ <= kMostKept)
      clip.kept_.insert(clip.kept_.end(), samples.begin(), samples.end());
    return {};
  }));
  if (clip.samples_ > kMostKept) clip.kept_ = {};
  if (clip.samples_ < kLeast) {
    meter.add(std::vector<float>(kLeast - clip.samples_));
    clip.kept_.resize(kLeast);
    clip.samples_ = kLeast;
  }
  clip.level_ = meter.level();
  return clip;
}

double EvaluationClip::seconds() const { return static_cast<double>(samples_) / kRateHz; }

Result<void> EvaluationClip::each_piece(const TakeSamples& take) const {
  return kept_.empty() ? each_piece_of(path_, take) : take(kept_);
}

Result<void> EvaluationClip::each_mixed(const std::optional<MixedNoise>& noise,
                                        const TakeSamples& take) const {
  corpus::Random random(seed_);
  const auto before = edge(level_.floor_rms, random);
  const auto behind = edge(level_.floor_rms, random);
  Mixer mixer(noise, samples_ + 2 * kEdge, level_.active_rms, random);
  WAKEBUILDER_CHECK(take(mixer.mix(before)));
  WAKEBUILDER_CHECK(
      each_piece([&](std::span<const float> samples) { return take(mixer.mix(samples)); }));
  return take(mixer.mix(behind));
}

Result<void> EvaluationClip::hear(const std::optional<MixedNoise>& noise,
                                  const TakeSamples& take) const {
  float peak = level_.peak;
  if (noise) {
    WAKEBUILDER_CHECK(each_mixed(noise, [&peak](std::span<const float> samples) -> Result<void> {
      for (const float sample : samples) peak = std::max(peak, std::abs(sample));
      return {};
    }));
  }
  const float gain = 1 / std::max(1.0F, peak);
  std::vector<float> scaled;
  return each_mixed(noise, [&](std::span<const float> samples) {
    scaled.assign(samples.begin(), samples.end());
    for (float& sample : scaled) sample = std::clamp(sample * gain, -1.0F, 1.0F);
    return take(scaled);
  });
}

Result<std::vector<float>> evaluation_noise(std::span<const std::filesystem::path> speech,
                                            corpus::Random& random) {
  std::vector<float> noise(2 * kPinkSamples);
  const auto pink = std::span(noise).first(kPinkSamples);
  for (float& sample : pink) sample = static_cast<float>(random.normal());
  audio::make_pink(pink);
  audio::normalise_rms(pink);
  const auto babble = std::span(noise).last(kPinkSamples);
  for (std::size_t i = 0; i < kTalkers; ++i) WAKEBUILDER_CHECK(add_talker(speech, random, babble));
  audio::normalise_rms(babble);
  return noise;
}

}  // namespace wakebuilder::pipeline
