#include "wakebuilder/audio/features.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/text.h"

#include "audio/finite.h"
#include "audio/mel_kernel.h"

namespace wakebuilder::audio {
namespace {

Normalisation normalisation_of(const FeatureOptions& options) {
  if (!options.normalise) return {};
  return {options.mean, 1.0 / (2.0 * options.std)};
}

tl::unexpected<Error> too_short(std::size_t samples) {
  return fail(ErrorCode::kInvalidArgument,
              "expected at least 400 samples (25 ms at 16 kHz), found " + std::to_string(samples));
}

/// Runs a kernel on fewer frames than it has lanes.
void run_part(const MelKernel& kernel, std::span<const float> samples, std::size_t count,
              const Normalisation& normalisation, float* out) {
  std::array<float, (kMaxLanes - 1) * kFrameShift + kFrameLength> padded{};
  std::array<float, kMaxLanes * kMelBins> rows{};
  std::copy_n(samples.begin(), (count - 1) * kFrameShift + kFrameLength, padded.begin());
  kernel.run(mel_tables(), padded.data(), normalisation, rows.data());
  std::copy_n(rows.begin(), count * kMelBins, out);
}

}  // namespace

Result<void> check(const FeatureOptions& options) {
  const auto refuse = [](const std::string& sentence) {
    return fail(ErrorCode::kInvalidArgument, sentence);
  };
  if (options.frames < 1 || options.frames > kMaxFrames) {
    return refuse("frames: expected 1 to " + std::to_string(kMaxFrames) + ", found " +
                  std::to_string(options.frames));
  }
  if (!(std::abs(options.mean) <= 1000.0))
    return refuse("mean: expected -1000 to 1000, found " + core::to_text(options.mean));
  if (!(options.std >= 1e-6 && options.std <= 1000.0))
    return refuse("std: expected 1e-06 to 1000, found " + core::to_text(options.std));
  return {};
}

// ---- FeatureStream ----

FeatureStream::FeatureStream(const FeatureOptions& options)
    : offset_(normalisation_of(options).offset), scale_(normalisation_of(options).scale) {
  WAKEBUILDER_EXPECT(check(options).has_value());
}

void FeatureStream::reset() { rest_size_ = 0, samples_ = 0, frames_ = 0; }

Result<void> FeatureStream::push(std::span<const float> samples, std::vector<float>& out) {
  if (const auto bad = first_not_finite(samples)) {
    return fail(ErrorCode::kInvalidArgument,
                not_finite_sentence(samples[*bad], samples_ + *bad, kSampleRateHz));
  }
  samples_ += samples.size();
  while (!samples.empty()) {
    const auto piece = samples.first(std::min(kPiece, samples.size()));
    take(piece, out);
    samples = samples.subspan(piece.size());
  }
  return {};
}

void FeatureStream::take(std::span<const float> samples, std::vector<float>& out) {
  std::copy(samples.begin(), samples.end(),
            rest_.begin() + static_cast<std::ptrdiff_t>(rest_size_));
  rest_size_ += samples.size();
  const std::size_t count = frame_count(rest_size_);
  if (count == 0) return;
  make_frames(std::span(rest_).first(rest_size_), count, out);
  const std::size_t used = count * kFrameShift;
  std::copy(rest_.begin() + static_cast<std::ptrdiff_t>(used),
            rest_.begin() + static_cast<std::ptrdiff_t>(rest_size_), rest_.begin());
  rest_size_ -= used;
}

void FeatureStream::make_frames(std::span<const float> samples, std::size_t count,
                                std::vector<float>& out) {
  const MelKernel& kernel = mel_kernels().front();
  const Normalisation normalisation{offset_, scale_};
  const std::size_t start = out.size();
  out.resize(start + count * kMelBins);
  for (std::size_t frame = 0; frame < count; frame += kernel.frames) {
    const auto from = samples.subspan(frame * kFrameShift);
    float* rows = out.data() + start + frame * kMelBins;
    if (count - frame >= kernel.frames) {
      kernel.run(mel_tables(), from.data(), normalisation, rows);
    } else {
      run_part(kernel, from, count - frame, normalisation, rows);
    }
  }
  frames_ += count;
}

// ---- FeatureExtractor ----

Result<FeatureExtractor> FeatureExtractor::create(const FeatureOptions& options) {
  WAKEBUILDER_CHECK(check(options));
  return FeatureExtractor(options);
}

float FeatureExtractor::pad_value() const {
  const Normalisation normalisation = normalisation_of(options_);
  return static_cast<float>((0.0 - normalisation.offset) * normalisation.scale);
}

Result<Features> FeatureExtractor::extract(std::span<const float> samples) const {
  if (samples.size() < kFrameLength) return too_short(samples.size());
  const std::size_t used = (options_.frames - 1) * kFrameShift + kFrameLength;
  std::vector<float> rows;
  rows.reserve(options_.frames * kMelBins);
  FeatureStream stream(options_);
  WAKEBUILDER_CHECK(stream.push(samples.first(std::min(used, samples.size())), rows));
  return pad(std::move(rows));
}

Features FeatureExtractor::pad(std::vector<float> rows) const {
  WAKEBUILDER_EXPECT(rows.size() % kMelBins == 0);
  const std::size_t valid = std::min(rows.size() / kMelBins, options_.frames);
  rows.resize(valid * kMelBins);
  rows.resize(options_.frames * kMelBins, pad_value());
  return {.values = std::move(rows), .frames = options_.frames, .valid_frames = valid};
}

}  // namespace wakebuilder::audio
