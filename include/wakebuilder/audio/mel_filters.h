// The tables of the Audio Spectrogram Transformer's features: window and mel filters, in double.
#pragma once

#include <cstddef>
#include <vector>

namespace wakebuilder::audio {

// Frame i covers the samples [i * kFrameShift, i * kFrameShift + kFrameLength): 25 ms every 10 ms.
inline constexpr int kSampleRateHz = 16000;
inline constexpr std::size_t kFrameLength = 400;
inline constexpr std::size_t kFrameShift = 160;
inline constexpr std::size_t kFftSize = 512;  ///< the frame, with zeros behind it
inline constexpr std::size_t kFftBins = kFftSize / 2 + 1;
inline constexpr std::size_t kMelBins = 128;
inline constexpr double kLowHz = 20.0;
inline constexpr double kHighHz = 8000.0;
inline constexpr double kPreEmphasis = 0.97;  ///< x[i] -= 0.97 * x[i - 1], x[0] -= 0.97 * x[0]
inline constexpr double kMelFloor = 0x1p-23;  ///< smallest energy, before the logarithm
inline constexpr double kLogMelFloor = -15.942385152878742;  ///< its logarithm: silence

/// The frames of `samples` samples: 1 + (samples - 400) / 160, none below 400 ("snip_edges").
constexpr std::size_t frame_count(std::size_t samples) {
  return samples < kFrameLength ? 0 : 1 + (samples - kFrameLength) / kFrameShift;
}

/// The symmetric Hann window, [400]: 0.5 - 0.5 cos(2 pi i / 399).
std::vector<double> hann_window();

/// The mel filters, [257, 128] row-major (FFT bin, mel bin).
///
/// Kaldi's triangles, straight on the mel scale 1127 ln(1 + f / 700): filter b rises from
/// mel(20) + b d to 1 at mel(20) + (b + 1) d and falls to 0 at mel(20) + (b + 2) d, where
/// d = (mel(8000) - mel(20)) / 129. The bin at 8000 Hz has no weight. Of all weights 504 are not 0;
/// filter 3 lies between two bins and has none.
std::vector<double> mel_filters();

}  // namespace wakebuilder::audio
