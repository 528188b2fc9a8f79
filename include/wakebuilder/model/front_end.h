// From sound to the AST's features inside a graph, so that no host can get the preprocessing wrong.
//
// The same numbers as audio::FeatureExtractor (docs/formats/features.md has the formula): frames of
// 400 samples every 160, minus their mean, pre-emphasis 0.97, symmetric Hann window, |DFT 512|²,
// 128 mel filters, logarithm, (x - mean) / (2 std). Double precision up to the logarithm: float32
// would lose the quiet bins beside loud ones.
#pragma once

#include <algorithm>
#include <cstdint>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/model/layers.h"
#include "wakebuilder/model/timeline.h"

namespace wakebuilder::model {

// The constants of audio/mel_filters.h as sizes of axes.
inline constexpr std::int64_t kFrameLength = audio::kFrameLength;
inline constexpr std::int64_t kFrameShift = audio::kFrameShift;
inline constexpr std::int64_t kFftSize = audio::kFftSize;
inline constexpr std::int64_t kFeatureBins = audio::kMelBins;

template <class T>
struct FrontEnd {
  T window;  ///< [400], float64
  T mel;     ///< [257, 128], float32
};

/// The constants of the front end.
FrontEnd<Parameter> make_front_end();

struct FrontEndConfig {
  double mean = 0;  ///< features are (log mel - mean) / (2 std)
  double std = 1;
  std::int64_t frames = 0;   ///< at most so many; what is beyond is left out
  std::int64_t padding = 0;  ///< rows of padding behind the last frame, as far as `frames` allows
};

/// waveform [batch, samples], ±1 at 16 kHz -> features [batch, m, 128] of all whole frames, neither
/// padded nor cut.
template <class Ops>
typename Ops::Value log_mel_features(Ops& op, const FrontEnd<typename Ops::Weight>& w,
                                     const FrontEndConfig& config, typename Ops::Value x,
                                     Timeline& time) {
  const auto scope = op.scope("front_end");
  x = op.past("samples", x, 1, {0, time.slide(kFrameLength, kFrameShift)});
  x = op.to_double("double", op.frames("frames", x, kFrameLength, kFrameShift));
  x = op.sub("centred", x, op.reduce("mean", x, Reduction::kMean, 2));
  const auto before =
      op.concat("before", {op.slice("first", x, 2, 0, 1), op.slice("but_last", x, 2, 0, -1)}, 2);
  x = op.sub("emphasised", x, op.scale("emphasis", before, audio::kPreEmphasis));
  x = op.mul("windowed", x, op.value(w.window));
  const auto power = op.power_spectrum("spectrum", x, kFrameLength, kFftSize);
  const auto mel = op.matmul("mel", power, op.to_double("filters", op.value(w.mel)));
  x = op.log("log", op.at_least("floor", mel, audio::kMelFloor));
  x = op.scale("normalised", op.shift("from_mean", x, -config.mean), 1.0 / (2.0 * config.std));
  return scope.result(op.to_float("features", x));
}

/// The same, padded with the value of silence before the logarithm's floor, (0 - mean) / (2 std),
/// and cut: [batch, min(m + padding, frames), 128].
template <class Ops>
typename Ops::Value window_features(Ops& op, const FrontEnd<typename Ops::Weight>& w,
                                    const FrontEndConfig& config, typename Ops::Value x) {
  Timeline time(kFrameShift * kHopFrames);
  x = log_mel_features(op, w, config, x, time);
  x = op.pad("padded", x, {0, 0, 0}, {0, std::min(config.padding, config.frames), 0},
             (0.0 - config.mean) / (2.0 * config.std));
  return op.slice("input_values", x, 1, 0, config.frames);
}

}  // namespace wakebuilder::model
