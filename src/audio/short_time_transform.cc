#include "audio/short_time_transform.h"

#include <algorithm>
#include <functional>
#include <new>

#include <kiss_fftr.h>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::audio {
namespace {

/// Of the sum of squared windows: below it, at both ends, the sound fades instead of growing.
constexpr double kLeastWeight = 0.05;

void* make_plan(bool is_inverse) {
  void* plan = kiss_fftr_alloc(static_cast<int>(kFftSize), is_inverse ? 1 : 0, nullptr, nullptr);
  if (plan == nullptr) throw std::bad_alloc();
  return plan;
}

kiss_fftr_cfg plan_of(void* plan) { return static_cast<kiss_fftr_cfg>(plan); }

std::vector<float> to_float(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

std::vector<float> weights_of(std::size_t frames) {
  const std::vector<double> window = hann_window();
  std::vector<double> sums((frames - 1) * kFrameShift + kFrameLength);
  for (std::size_t frame = 0; frame < frames; ++frame) {
    for (std::size_t i = 0; i < kFrameLength; ++i)
      sums[frame * kFrameShift + i] += window[i] * window[i];
  }
  // The inverse of kissfft is 512 times the signal.
  for (double& sum : sums) sum = 1 / (std::max(sum, kLeastWeight) * kFftSize);
  return to_float(sums);
}

}  // namespace

void ShortTimeTransform::Free::operator()(void* plan) const { kiss_fftr_free(plan); }

ShortTimeTransform::ShortTimeTransform(std::size_t frames)
    : frames_(frames), window_(to_float(hann_window())), points_(kFftSize) {
  WAKEBUILDER_EXPECT(frames >= 1);
  weights_ = weights_of(frames);
  forward_.reset(make_plan(false));
  inverse_.reset(make_plan(true));
}

void ShortTimeTransform::forward(std::span<const float> samples, Spectra& spectra) {
  WAKEBUILDER_EXPECT(samples.size() == this->samples());
  spectra.resize(frames_ * kFftBins);
  std::ranges::fill(points_, 0.0F);
  for (std::size_t frame = 0; frame < frames_; ++frame) {
    const float* from = samples.data() + frame * kFrameShift;
    std::transform(window_.begin(), window_.end(), from, points_.begin(), std::multiplies<>());
    kiss_fftr(plan_of(forward_.get()), points_.data(),
              reinterpret_cast<kiss_fft_cpx*>(spectra.data() + frame * kFftBins));
  }
}

void ShortTimeTransform::inverse(const Spectra& spectra, std::span<float> samples) {
  WAKEBUILDER_EXPECT(samples.size() == this->samples());
  WAKEBUILDER_EXPECT(spectra.size() == frames_ * kFftBins);
  std::ranges::fill(samples, 0.0F);
  for (std::size_t frame = 0; frame < frames_; ++frame) {
    kiss_fftri(plan_of(inverse_.get()),
               reinterpret_cast<const kiss_fft_cpx*>(spectra.data() + frame * kFftBins),
               points_.data());
    float* to = samples.data() + frame * kFrameShift;
    for (std::size_t i = 0; i < kFrameLength; ++i) to[i] += points_[i] * window_[i];
  }
  std::transform(samples.begin(), samples.end(), weights_.begin(), samples.begin(),
                 std::multiplies<>());
}

}  // namespace wakebuilder::audio
