#include "wakebuilder/audio/mel_filters.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace wakebuilder::audio {
namespace {

double mel(double hz) { return 1127.0 * std::log(1.0 + hz / 700.0); }

}  // namespace

std::vector<double> hann_window() {
  std::vector<double> window(kFrameLength);
  for (std::size_t i = 0; i < window.size(); ++i) {
    window[i] = 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * static_cast<double>(i) /
                                     static_cast<double>(kFrameLength - 1));
  }
  return window;
}

std::vector<double> mel_filters() {
  constexpr std::size_t kMels = kMelBins;
  constexpr std::size_t kBelowNyquist = kFftSize / 2;
  const double low = mel(20.0);
  const double delta = (mel(8000.0) - low) / static_cast<double>(kMels + 1);
  std::vector<double> weights((kBelowNyquist + 1) * kMels);
  for (std::size_t k = 0; k < kBelowNyquist; ++k) {
    const double at = mel(31.25 * static_cast<double>(k));
    for (std::size_t b = 0; b < kMels; ++b) {
      const double left = low + delta * static_cast<double>(b);
      const double rising = (at - left) / delta;
      const double falling = (left + 2.0 * delta - at) / delta;
      weights[k * kMels + b] = std::max(0.0, std::min(rising, falling));
    }
  }
  return weights;
}

}  // namespace wakebuilder::audio
