// The arithmetic of the features: frames of sound in, normalised log-mel energies out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wakebuilder/audio/mel_filters.h"

namespace wakebuilder::audio {

/// x -> (x - offset) * scale, the last step.
struct Normalisation {
  double offset = 0.0;
  double scale = 1.0;
};

/// What is computed once: window, twiddle factors, sparse filters.
struct MelTables {
  struct Twiddle {
    double real, imaginary;
  };
  struct Filter {
    std::uint16_t first_bin, bins;
    std::uint16_t first_weight;
  };
  std::array<double, kFrameLength> window;
  std::array<Twiddle, kFftSize / 2> circle;  ///< exp(-2 pi i k / 512)
  std::array<Filter, kMelBins> filters;
  std::vector<double> weights;  ///< a quarter of the mel filters' (untangling gives |2 X|^2)
};

const MelTables& mel_tables();

/// A form of the arithmetic for one width of vectors. All give the same bits, and the bits of a
/// frame do not depend on its neighbours: a frame is a lane.
struct MelKernel {
  const char* name;
  std::size_t frames;  ///< that it computes at a time, at most kMaxLanes
  /// samples [(frames - 1) * 160 + 400] -> out [frames, 128]
  void (*run)(const MelTables& tables, const float* samples, const Normalisation& normalisation,
              float* out);
};

inline constexpr std::size_t kMaxLanes = 8;

/// Those that this machine can run, the fastest first.
std::span<const MelKernel> mel_kernels();

/// Natural logarithms of `values`, by the kernels' own function. For tests.
std::vector<double> kernel_log(std::span<const double> values);

}  // namespace wakebuilder::audio
