#include "wakebuilder/audio/mel_filters.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace wakebuilder::audio {
namespace {

double mel_of(double hz) { return 1127.0 * std::log(1.0 + hz / 700.0); }

}  // namespace

std::vector<double> hann_window() {
  std::vector<double> window(kFrameLength);
  for (std::size_t i = 0; i < kFrameLength; ++i) {
    window[i] = 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * static_cast<double>(i) /
                                     static_cast<double>(kFrameLength - 1));
  }
  return window;
}

std::vector<double> mel_filters() {
  std::vector<double> filters(kFftBins * kMelBins);
  const double low = mel_of(kLowHz);
  const double step = (mel_of(kHighHz) - low) / static_cast<double>(kMelBins + 1);
  constexpr double kBinHz = static_cast<double>(kSampleRateHz) / static_cast<double>(kFftSize);
  for (std::size_t k = 0; k + 1 < kFftBins; ++k) {
    const double mel = mel_of(kBinHz * static_cast<double>(k));
    for (std::size_t b = 0; b < kMelBins; ++b) {
      const double left = low + static_cast<double>(b) * step;
      const double rising = (mel - left) / step;
      const double falling = (left + 2.0 * step - mel) / step;
      filters[k * kMelBins + b] = std::max(0.0, std::min(rising, falling));
    }
  }
  return filters;
}

}  // namespace wakebuilder::audio
