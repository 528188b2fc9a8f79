#include "audio/resampler.h"

#include <algorithm>
#include <string>

#include <soxr.h>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::audio {
namespace {

/// soxr_t is a pointer to a type without a definition.
soxr_t native(void* soxr) { return static_cast<soxr_t>(soxr); }

}  // namespace

void mix(std::span<const float> interleaved, std::size_t channels, std::span<float> mono) {
  for (std::size_t frame = 0; frame < mono.size(); ++frame) {
    double sum = 0;
    for (const float sample : interleaved.subspan(frame * channels, channels))
      sum += static_cast<double>(sample);
    mono[frame] = static_cast<float>(sum / static_cast<double>(channels));
  }
}

void Resampler::Delete::operator()(Soxr* soxr) const { soxr_delete(native(soxr)); }

Result<Resampler> Resampler::make(int rate_hz) {
  Resampler resampler;
  if (rate_hz == kSampleRateHz) return resampler;
  soxr_error_t error = nullptr;
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  void* soxr = soxr_create(rate_hz, kSampleRateHz, 1, &error, &io, &quality, &runtime);
  resampler.soxr_.reset(static_cast<Soxr*>(soxr));
  if (error == nullptr && resampler.soxr_) return resampler;
  return fail(ErrorCode::kUnsupported, "cannot be resampled from " + std::to_string(rate_hz) +
                                           " Hz: " + core::quote(error ? error : "no memory"));
}

Result<Resampler::Step> Resampler::run(const float* in, std::size_t size, std::span<float> out) {
  Step step;
  const soxr_error_t error =
      soxr_process(native(soxr_.get()), in, size, &step.used, out.data(), out.size(), &step.made);
  if (error == nullptr) return step;
  return fail(ErrorCode::kCorrupt, "cannot be resampled: " + core::quote(error));
}

Result<Resampler::Step> Resampler::process(std::span<const float> in, std::span<float> out) {
  if (soxr_) return run(in.data(), in.size(), out);
  const std::size_t count = std::min(in.size(), out.size());
  std::copy_n(in.data(), count, out.data());
  return Step{.used = count, .made = count};
}

Result<std::size_t> Resampler::finish(std::span<float> out) {
  if (!soxr_) return 0;
  return run(nullptr, 0, out).map([](Step step) { return step.made; });
}

}  // namespace wakebuilder::audio
