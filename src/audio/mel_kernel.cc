// One frame is one lane of a vector, all the way from the samples to the logarithms, so that the
// same operations in the same order make every frame, whatever the width of the vectors. Nothing is
// fused or reordered (-ffp-contract=off in src/audio/CMakeLists.txt). All of it is in double: a
// float32 transform loses quiet bins beside loud ones, 1e-2 in the logarithm.
//
//  1. `transpose`: hop h (160 samples) becomes column h of 160 rows, since frame f is the hops f,
//     f + 1 and half of f + 2.
//  2. `first_stage`: mean, pre-emphasis, window, and the first of four radix-4 stages of a complex
//     transform of 256 points, real samples in pairs (Sorensen et al. 1987, "Real-valued fast
//     Fourier transform algorithms"). Points from 200 on are zeros.
//  3. `middle_stage`, `last_stage`: the rest, in place, by decimation in frequency: the result is
//  in
//     the order of reversed digits to the base 4.
//  4. `untangle`: the spectrum of the 512 real samples, squared.
//  5. `mel`: the sparse filters, floor, logarithm, normalisation.

#include "audio/mel_kernel.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace wakebuilder::audio {
namespace {

constexpr std::size_t kPoints = kFftSize / 2;  // of the complex transform
constexpr std::size_t kQuarter = kPoints / 4;
constexpr std::size_t kFrameHops = 3;  // a frame touches three hops
constexpr std::size_t kHalfHop = kFrameLength - 2 * kFrameShift;

template <class T, std::size_t Width>
struct VectorOf {
  typedef T type [[gnu::vector_size(Width * sizeof(T))]];  // NOLINT(modernize-use-using): clang 14
};
template <std::size_t Width>
using Lanes = typename VectorOf<double, Width>::type;
template <std::size_t Width>
using Words = typename VectorOf<std::uint64_t, Width>::type;

template <std::size_t Width>
struct Complex {
  Lanes<Width> real, imaginary;
};

constexpr std::size_t kBlock = 4;  // side of the squares that are transposed

/// Memory of one run: 10 KiB of hops, 16 KiB of points, 8 KiB of power for vectors of 4.
template <std::size_t Width>
struct Workspace {
  static constexpr std::size_t kHops = Width + kFrameHops - 1;
  static constexpr std::size_t kColumns = (kHops + kBlock - 1) / kBlock * kBlock;
  alignas(64) std::array<double, kFrameShift * kColumns> hops;  // [sample, hop]
  std::array<Complex<Width>, kPoints> points;
  std::array<Lanes<Width>, kPoints> power;
  std::array<Lanes<Width>, kMelBins> energies;
  static constexpr std::size_t kRows = (Width + kBlock - 1) / kBlock * kBlock;
  alignas(64) std::array<float, kMelBins * kRows> columns;  // [mel bin, frame]
};

#define WAKEBUILDER_INLINE [[gnu::always_inline]] inline

template <std::size_t Width>
WAKEBUILDER_INLINE Lanes<Width> load(const double* from) {
  Lanes<Width> lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

// ---- samples ----

using FourFloats = typename VectorOf<float, kBlock>::type;

/// Transposes a square of floats.
WAKEBUILDER_INLINE void transpose_square(std::array<FourFloats, kBlock>& rows) {
  const FourFloats low01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
  const FourFloats high01 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
  const FourFloats low23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
  const FourFloats high23 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
  rows[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  rows[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  rows[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  rows[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

/// Four samples of four hops, as four columns in double.
WAKEBUILDER_INLINE void transpose_block(const std::array<const float*, kBlock>& from, double* to,
                                        std::size_t stride) {
  std::array<FourFloats, kBlock> square{};
  for (std::size_t row = 0; row < kBlock; ++row) {
    std::memcpy(&square[row], from[row], sizeof(FourFloats));
  }
  transpose_square(square);
  for (std::size_t column = 0; column < kBlock; ++column) {
    const auto wide = __builtin_convertvector(square[column], Lanes<kBlock>);
    std::memcpy(to + column * stride, &wide, sizeof(wide));
  }
}

/// Columns without a hop (behind the last; the last from its middle on) get any samples: no frame
/// looks at them.
template <std::size_t Width>
WAKEBUILDER_INLINE void transpose(const float* samples, Workspace<Width>& work) {
  using Work = Workspace<Width>;
  for (std::size_t i = 0; i < kFrameShift; i += kBlock) {
    const std::size_t hops = i < kHalfHop ? Work::kHops : Work::kHops - 1;
    for (std::size_t hop = 0; hop < Work::kColumns; hop += kBlock) {
      std::array<const float*, kBlock> from{};
      for (std::size_t row = 0; row < kBlock; ++row) {
        from[row] = samples + (hop + row < hops ? hop + row : 0) * kFrameShift + i;
      }
      transpose_block(from, work.hops.data() + i * Work::kColumns + hop, Work::kColumns);
    }
  }
}

/// Where the samples number i of the frames are; frame f's is in hop f + i / 160.
template <std::size_t Width>
constexpr auto kPlaces = [] {
  std::array<std::uint16_t, kFrameLength> places{};
  for (std::size_t i = 0; i < kFrameLength; ++i) {
    places[i] =
        static_cast<std::uint16_t>(i % kFrameShift * Workspace<Width>::kColumns + i / kFrameShift);
  }
  return places;
}();

template <std::size_t Width>
WAKEBUILDER_INLINE Lanes<Width> sample(const Workspace<Width>& work, std::size_t i) {
  return load<Width>(work.hops.data() + kPlaces<Width>[i]);
}

/// Four sums side by side, then together: a chain of 400 additions would wait for each.
template <std::size_t Width>
WAKEBUILDER_INLINE Lanes<Width> mean_of(const Workspace<Width>& work) {
  std::array<Lanes<Width>, 5> sums{};
  for (std::size_t i = 0; i < kHalfHop; ++i) {
    const double* row = work.hops.data() + i * Workspace<Width>::kColumns;
    const double* later = row + kHalfHop * Workspace<Width>::kColumns;
    sums[0] += load<Width>(row);
    sums[1] += load<Width>(later);
    sums[2] += load<Width>(row + 1);
    sums[3] += load<Width>(later + 1);
    sums[4] += load<Width>(row + 2);
  }
  return (((sums[0] + sums[1]) + (sums[2] + sums[3])) + sums[4]) /
         static_cast<double>(kFrameLength);
}

// ---- transform ----

template <std::size_t Width>
WAKEBUILDER_INLINE Complex<Width> times(const Complex<Width>& a, const MelTables::Twiddle& w) {
  return {a.real * w.real - a.imaginary * w.imaginary, a.real * w.imaginary + a.imaginary * w.real};
}

/// Part by part: g++ 12 copies the whole by way of the stack.
template <std::size_t Width>
WAKEBUILDER_INLINE void put(Complex<Width>& to, const Complex<Width>& from) {
  to.real = from.real;
  to.imaginary = from.imaginary;
}

template <std::size_t Width>
struct Four {
  Complex<Width> a, b, c, d;
};

/// The sums of a radix-4 butterfly, before the twiddle factors.
template <std::size_t Width>
WAKEBUILDER_INLINE Four<Width> butterfly(const Four<Width>& in) {
  const Complex<Width> even{in.a.real + in.c.real, in.a.imaginary + in.c.imaginary};
  const Complex<Width> even_gap{in.a.real - in.c.real, in.a.imaginary - in.c.imaginary};
  const Complex<Width> odd{in.b.real + in.d.real, in.b.imaginary + in.d.imaginary};
  const Complex<Width> odd_gap{in.b.real - in.d.real, in.b.imaginary - in.d.imaginary};
  return {{even.real + odd.real, even.imaginary + odd.imaginary},
          {even_gap.real + odd_gap.imaginary, even_gap.imaginary - odd_gap.real},
          {even.real - odd.real, even.imaginary - odd.imaginary},
          {even_gap.real - odd_gap.imaginary, even_gap.imaginary + odd_gap.real}};
}

/// Points 2 i and 2 i + 1 of the windowed frame as one complex number.
template <std::size_t Width>
WAKEBUILDER_INLINE Complex<Width> windowed_pair(const MelTables& tables,
                                                const Workspace<Width>& work,
                                                const Lanes<Width>& mean, std::size_t pair) {
  const std::size_t i = 2 * pair;
  const Lanes<Width> before = sample<Width>(work, i == 0 ? 0 : i - 1) - mean;
  const Lanes<Width> first = sample<Width>(work, i) - mean;
  const Lanes<Width> second = sample<Width>(work, i + 1) - mean;
  return {(first - before * kPreEmphasis) * tables.window[i],
          (second - first * kPreEmphasis) * tables.window[i + 1]};
}

template <std::size_t Width>
WAKEBUILDER_INLINE void first_stage(const MelTables& tables, Workspace<Width>& work) {
  const Lanes<Width> mean = mean_of(work);
  for (std::size_t n = 0; n < kQuarter; ++n) {
    const auto a = windowed_pair<Width>(tables, work, mean, n);
    const auto b = windowed_pair<Width>(tables, work, mean, n + kQuarter);
    const auto c = windowed_pair<Width>(tables, work, mean, n + 2 * kQuarter);
    Complex<Width> d{};
    if (n + 3 * kQuarter < kFrameLength / 2)
      d = windowed_pair<Width>(tables, work, mean, n + 3 * kQuarter);
    const auto sums = butterfly<Width>({a, b, c, d});
    put<Width>(work.points[n], sums.a);
    put<Width>(work.points[n + kQuarter], times<Width>(sums.b, tables.circle[2 * n]));
    put<Width>(work.points[n + 2 * kQuarter], times<Width>(sums.c, tables.circle[4 * n]));
    // 6 n goes once more than half round the circle.
    const std::size_t third = 6 * n;
    const bool is_beyond = third >= kPoints;
    const auto w = tables.circle[is_beyond ? third - kPoints : third];
    const auto w3 = is_beyond ? MelTables::Twiddle{-w.real, -w.imaginary} : w;
    put<Width>(work.points[n + 3 * kQuarter], times<Width>(sums.d, w3));
  }
}

/// Transforms of Length points each: their butterflies. The twiddle factors are the same for all.
template <std::size_t Width, std::size_t Length>
WAKEBUILDER_INLINE void middle_stage(const MelTables& tables, Workspace<Width>& work) {
  constexpr std::size_t kPart = Length / 4;
  constexpr std::size_t kTurn = kFftSize / Length;  // of the circle, per point
  for (std::size_t n = 0; n < kPart; ++n) {
    const auto w1 = tables.circle[kTurn * n];
    const auto w2 = tables.circle[2 * kTurn * n];
    const std::size_t third = 3 * kTurn * n;
    const bool is_beyond = third >= kPoints;
    const auto w = tables.circle[is_beyond ? third - kPoints : third];
    const auto w3 = is_beyond ? MelTables::Twiddle{-w.real, -w.imaginary} : w;
    for (std::size_t start = n; start < kPoints; start += Length) {
      Complex<Width>* p = work.points.data() + start;
      const auto sums = butterfly<Width>({p[0], p[kPart], p[2 * kPart], p[3 * kPart]});
      put<Width>(p[0], sums.a);
      put<Width>(p[kPart], times<Width>(sums.b, w1));
      put<Width>(p[2 * kPart], times<Width>(sums.c, w2));
      put<Width>(p[3 * kPart], times<Width>(sums.d, w3));
    }
  }
}

template <std::size_t Width>
WAKEBUILDER_INLINE void last_stage(Workspace<Width>& work) {
  for (std::size_t start = 0; start < kPoints; start += 4) {
    Complex<Width>* p = work.points.data() + start;
    const auto sums = butterfly<Width>({p[0], p[1], p[2], p[3]});
    put<Width>(p[0], sums.a);
    put<Width>(p[1], sums.b);
    put<Width>(p[2], sums.c);
    put<Width>(p[3], sums.d);
  }
}

/// Where the result number k is: its four digits to the base 4 reversed.
constexpr std::size_t reversed(std::size_t k) {
  return (k & 3U) << 6U | (k >> 2U & 3U) << 4U | (k >> 4U & 3U) << 2U | k >> 6U;
}

constexpr auto kReversed = [] {
  std::array<std::uint8_t, kPoints> table{};
  for (std::size_t k = 0; k < kPoints; ++k) table[k] = static_cast<std::uint8_t>(reversed(k));
  return table;
}();

/// power[k] = |2 X[k]|^2 for k = 1 to 255; no filter looks at 0 and 256.
template <std::size_t Width>
WAKEBUILDER_INLINE void untangle(const MelTables& tables, Workspace<Width>& work) {
  for (std::size_t k = 1; k <= kPoints / 2; ++k) {
    const auto& a = work.points[kReversed[k]];
    const auto& b = work.points[kReversed[kPoints - k]];
    const Complex<Width> even{a.real + b.real, a.imaginary - b.imaginary};
    const Complex<Width> odd{a.imaginary + b.imaginary, b.real - a.real};
    const auto turned = times<Width>(odd, tables.circle[k]);
    const Lanes<Width> low_real = even.real + turned.real;
    const Lanes<Width> low_imaginary = even.imaginary + turned.imaginary;
    const Lanes<Width> high_real = even.real - turned.real;
    const Lanes<Width> high_imaginary = even.imaginary - turned.imaginary;
    work.power[kPoints - k] = high_real * high_real + high_imaginary * high_imaginary;
    work.power[k] = low_real * low_real + low_imaginary * low_imaginary;
  }
}

// ---- logarithm ----

/// The natural logarithm of positive normal numbers, within 3e-11.
///
/// x = 2^n m with m from sqrt(1/2) to sqrt(2); ln m = 2 artanh(t), t = (m - 1) / (m + 1), by its
/// series up to t^11: |t| < 0.1716, so what is left is below 2 t^13 / 13 = 1.8e-11.
template <std::size_t Width>
WAKEBUILDER_INLINE Lanes<Width> natural_log(Lanes<Width> x) {
  constexpr std::uint64_t kOne = 0x3ff0000000000000U;
  constexpr std::uint64_t kRoot = 0x3fe6a09e667f3bcdU;   // sqrt(1/2)
  constexpr std::uint64_t kMagic = 0x4330000000000000U;  // 2^52
  constexpr double kMagicBias = 0x1p52 + 1023.0;
  Words<Width> bits;
  std::memcpy(&bits, &x, sizeof(bits));
  const Words<Width> exponent = (bits + (kOne - kRoot)) >> 52U;  // n + 1023
  const Words<Width> mantissa = bits - (exponent << 52U) + kOne;
  const Words<Width> counted = exponent | kMagic;
  Lanes<Width> n;
  Lanes<Width> m;
  std::memcpy(&n, &counted, sizeof(n));
  std::memcpy(&m, &mantissa, sizeof(m));
  n -= kMagicBias;
  const Lanes<Width> t = (m - 1.0) / (m + 1.0);
  const Lanes<Width> s = t * t;
  const Lanes<Width> s2 = s * s;
  const Lanes<Width> series =
      ((2.0 / 11.0 * s + 2.0 / 9.0) * s2 + (2.0 / 7.0 * s + 2.0 / 5.0)) * s2 +
      (2.0 / 3.0 * s + 2.0);
  return n * std::numbers::ln2 + t * series;
}

// ---- mel ----

template <std::size_t Width>
WAKEBUILDER_INLINE void filter(const MelTables& tables, Workspace<Width>& work) {
  const double* weight = tables.weights.data();
  for (std::size_t b = 0; b < kMelBins; ++b) {
    const auto bins = tables.filters[b];
    const Lanes<Width>* power = work.power.data() + bins.first_bin;
    Lanes<Width> energy{};
    for (std::size_t i = 0; i < bins.bins; ++i) energy += power[i] * weight[i];
    weight += bins.bins;
    work.energies[b] = energy;
  }
}

template <std::size_t Width>
WAKEBUILDER_INLINE void finish(Workspace<Width>& work, const Normalisation& normalisation) {
  using Narrow = typename VectorOf<float, Width>::type;
  const Lanes<Width> floor = Lanes<Width>{} + kMelFloor;
  for (std::size_t b = 0; b < kMelBins; ++b) {
    Lanes<Width> energy = work.energies[b];
    energy = energy > floor ? energy : floor;
    const auto value = (natural_log<Width>(energy) - normalisation.offset) * normalisation.scale;
    const auto narrow = __builtin_convertvector(value, Narrow);
    std::memcpy(work.columns.data() + b * Workspace<Width>::kRows, &narrow, sizeof(narrow));
  }
}

/// Columns of lanes to rows of frames.
template <std::size_t Width>
WAKEBUILDER_INLINE void write_rows(const Workspace<Width>& work, float* out) {
  constexpr std::size_t kRows = Workspace<Width>::kRows;
  for (std::size_t b = 0; b < kMelBins; b += kBlock) {
    for (std::size_t lane = 0; lane < Width; lane += kBlock) {
      std::array<FourFloats, kBlock> square{};
      for (std::size_t i = 0; i < kBlock; ++i) {
        std::memcpy(&square[i], work.columns.data() + (b + i) * kRows + lane, sizeof(FourFloats));
      }
      transpose_square(square);
      for (std::size_t i = 0; i < std::min(kBlock, Width - lane); ++i) {
        std::memcpy(out + (lane + i) * kMelBins + b, &square[i], sizeof(FourFloats));
      }
    }
  }
}

template <std::size_t Width>
WAKEBUILDER_INLINE void compute(const MelTables& tables, const float* samples,
                                const Normalisation& normalisation, float* out) {
  Workspace<Width> work;  // NOLINT(cppcoreguidelines-pro-type-member-init): 40 KiB, all written
  transpose<Width>(samples, work);
  first_stage<Width>(tables, work);
  middle_stage<Width, kPoints / 4>(tables, work);
  middle_stage<Width, kPoints / 16>(tables, work);
  last_stage<Width>(work);
  untangle<Width>(tables, work);
  filter<Width>(tables, work);
  finish<Width>(work, normalisation);
  write_rows<Width>(work, out);
}

void run_portable(const MelTables& tables, const float* samples, const Normalisation& normalisation,
                  float* out) {
  compute<2>(tables, samples, normalisation, out);
}

#ifdef __x86_64__
[[gnu::target("avx2")]] void run_avx2(const MelTables& tables, const float* samples,
                                      const Normalisation& normalisation, float* out) {
  compute<4>(tables, samples, normalisation, out);
}

[[gnu::target("avx512f")]] void run_avx512(const MelTables& tables, const float* samples,
                                           const Normalisation& normalisation, float* out) {
  compute<8>(tables, samples, normalisation, out);
}
#endif

std::vector<MelKernel> supported_kernels() {
  std::vector<MelKernel> kernels;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") != 0) kernels.push_back({"avx512f", 8, run_avx512});
  if (__builtin_cpu_supports("avx2") != 0) kernels.push_back({"avx2", 4, run_avx2});
#endif
  kernels.push_back({"portable", 2, run_portable});
  return kernels;
}

MelTables make_tables() {
  MelTables tables{};
  const auto window = hann_window();
  std::copy(window.begin(), window.end(), tables.window.begin());
  for (std::size_t k = 0; k < tables.circle.size(); ++k) {
    const double angle =
        2.0 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(kFftSize);
    tables.circle[k] = {std::cos(angle), -std::sin(angle)};
  }
  const auto filters = mel_filters();
  for (std::size_t b = 0; b < kMelBins; ++b) {
    auto& filter = tables.filters[b];
    filter.first_weight = static_cast<std::uint16_t>(tables.weights.size());
    for (std::size_t k = 0; k < kFftBins; ++k) {
      const double weight = filters[k * kMelBins + b];
      if (weight == 0) continue;
      if (filter.bins == 0) filter.first_bin = static_cast<std::uint16_t>(k);
      ++filter.bins;  // without gaps: a filter is a triangle
      tables.weights.push_back(weight / 4.0);
    }
  }
  return tables;
}

}  // namespace

const MelTables& mel_tables() {
  static const MelTables kTables = make_tables();
  return kTables;
}

std::span<const MelKernel> mel_kernels() {
  static const std::vector<MelKernel> kKernels = supported_kernels();
  return kKernels;
}

std::vector<double> kernel_log(std::span<const double> values) {
  std::vector<double> logs;
  for (const double value : values) {
    logs.push_back(natural_log<2>(Lanes<2>{value, value})[0]);
  }
  return logs;
}

}  // namespace wakebuilder::audio
