// Constants of the Audio Spectrogram Transformer's feature extractor.
#pragma once

#include <cstdint>
#include <vector>

namespace wakebuilder::audio {

inline constexpr std::int64_t kSampleRateHz = 16000;
inline constexpr std::int64_t kFrameLength = 400;  ///< samples, 25 ms
inline constexpr std::int64_t kFrameShift = 160;   ///< samples, 10 ms
inline constexpr std::int64_t kFftSize = 512;
inline constexpr std::int64_t kMelBins = 128;
inline constexpr double kPreEmphasis = 0.97;
inline constexpr double kMelFloor = 0x1p-23;  ///< least energy before the logarithm

/// Symmetric Hann window, 0.5 - 0.5 cos(2π i / 399), shape [400].
std::vector<double> hann_window();

/// Triangles on the HTK mel scale, 1127 ln(1 + f / 700), from 20 to 8000 Hz: weight of FFT bin k
/// (31.25 k Hz) in mel bin b, shape [257, 128] row-major. The Nyquist bin has no weight.
std::vector<double> mel_filters();

}  // namespace wakebuilder::audio
