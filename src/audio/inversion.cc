#include "wakebuilder/audio/inversion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/expect.h"

#include "audio/mel_kernel.h"
#include "audio/short_time_transform.h"

namespace wakebuilder::audio {
namespace {

using Spectra = ShortTimeTransform::Spectra;
using MelPowers = std::array<double, kMelBins>;
using Powers = std::array<double, kFftBins>;

constexpr int kSpectrumSteps = 60;
constexpr float kMomentum = 0.99F;
constexpr double kFloorStep = 0.001;  ///< nepers; pieces are kept in steps of 1/1024
constexpr double kTiny = 1e-30;
constexpr float kMostLogMel = 64;  ///< squares of its amplitudes are float32 numbers still

// ---- mel powers to power spectra ----

/// Calls f(mel bin, FFT bin, weight) for each weight of the mel filters that is not 0.
template <class F>
void for_each_weight(const F& f) {
  const MelTables& tables = mel_tables();
  for (std::size_t b = 0; b < kMelBins; ++b) {
    const auto& filter = tables.filters[b];
    for (std::size_t i = 0; i < filter.bins; ++i)
      f(b, filter.first_bin + i, 4 * tables.weights[filter.first_weight + i]);
  }
}

MelPowers mel_of(const Powers& powers) {
  MelPowers mel{};
  for_each_weight([&](std::size_t b, std::size_t k, double w) { mel[b] += w * powers[k]; });
  return mel;
}

Powers transposed(const MelPowers& mel) {
  Powers powers{};
  for_each_weight([&](std::size_t b, std::size_t k, double w) { powers[k] += w * mel[b]; });
  return powers;
}

/// The sum of each FFT bin's weights; not 0.
const Powers& weight_sums() {
  static const Powers kSums = [] {
    MelPowers ones{};
    ones.fill(1);
    Powers sums = transposed(ones);
    for (double& sum : sums) sum = std::max(sum, kTiny);
    return sums;
  }();
  return kSums;
}

/// One step nearer to the spectrum that has these mel powers.
void improve(Powers& powers, const MelPowers& wanted) {
  MelPowers ratios = mel_of(powers);
  for (std::size_t b = 0; b < kMelBins; ++b) ratios[b] = wanted[b] / std::max(ratios[b], kTiny);
  const Powers factors = transposed(ratios);
  for (std::size_t k = 0; k < kFftBins; ++k) powers[k] *= factors[k] / weight_sums()[k];
}

Powers spectrum_of(const MelPowers& mel) {
  Powers powers = transposed(mel);
  for (std::size_t k = 0; k < kFftBins; ++k) powers[k] /= weight_sums()[k];
  for (int step = 0; step < kSpectrumSteps; ++step) improve(powers, mel);
  return powers;
}

double power_of(float log_mel) {
  const auto value = static_cast<double>(log_mel);
  return value < kLogMelFloor + kFloorStep ? 0 : std::exp(value);
}

/// The magnitudes [n, 257] of frames [n, 128].
std::vector<float> magnitudes_of(std::span<const float> log_mel) {
  std::vector<float> magnitudes;
  for (std::size_t at = 0; at < log_mel.size(); at += kMelBins) {
    MelPowers mel{};
    std::ranges::transform(log_mel.subspan(at, kMelBins), mel.begin(), power_of);
    for (const double power : spectrum_of(mel))
      magnitudes.push_back(static_cast<float>(std::sqrt(power)));
  }
  return magnitudes;
}

// ---- phases ----

Spectra with_random_phases(std::span<const float> magnitudes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Spectra spectra;
  spectra.reserve(magnitudes.size());
  for (const float magnitude : magnitudes) {
    const double turns = static_cast<double>(random() >> 11U) * 0x1p-53;
    spectra.push_back(std::polar(magnitude, static_cast<float>(2 * std::numbers::pi * turns)));
  }
  return spectra;
}

/// The phases of a + momentum (a - before), the magnitudes that are wanted.
void take_phases(Spectra& spectra, const Spectra& now, const Spectra& before,
                 std::span<const float> magnitudes) {
  for (std::size_t i = 0; i < spectra.size(); ++i) {
    const std::complex<float> ahead = now[i] + kMomentum * (now[i] - before[i]);
    const float size = std::sqrt(std::norm(ahead));
    if (size > 0) spectra[i] = ahead * (magnitudes[i] / size);
  }
}

std::vector<float> griffin_lim(ShortTimeTransform& transform, std::span<const float> magnitudes,
                               const InversionOptions& options) {
  Spectra spectra = with_random_phases(magnitudes, options.seed);
  Spectra before = spectra;
  Spectra now;
  std::vector<float> samples(transform.samples());
  transform.inverse(spectra, samples);
  for (int i = 0; i < options.iterations; ++i) {
    transform.forward(samples, now);
    take_phases(spectra, now, before, magnitudes);
    std::swap(now, before);
    transform.inverse(spectra, samples);
  }
  return samples;
}

// ---- loudness ----

double energy_of(std::span<const float> magnitudes) {
  double sum = 0;
  for (const float magnitude : magnitudes)
    sum += static_cast<double>(magnitude) * static_cast<double>(magnitude);
  return sum;
}

/// Phases that do not fit each other make a sound quieter; this makes up for it.
void restore_loudness(ShortTimeTransform& transform, std::span<const float> magnitudes,
                      std::span<float> samples) {
  Spectra spectra;
  transform.forward(samples, spectra);
  double found = 0;
  for (const std::complex<float>& value : spectra) found += static_cast<double>(std::norm(value));
  if (found <= 0) return;
  const auto gain = static_cast<float>(std::sqrt(energy_of(magnitudes) / found));
  for (float& sample : samples) sample *= gain;
}

void undo_pre_emphasis(std::span<float> samples) {
  double last = 0;
  for (float& sample : samples) {
    last = static_cast<double>(sample) + kPreEmphasis * last;
    sample = static_cast<float>(last);
  }
}

bool is_invertible(float value) { return std::isfinite(value) && value < kMostLogMel; }

}  // namespace

std::vector<float> invert_log_mel(std::span<const float> log_mel, const InversionOptions& options) {
  WAKEBUILDER_EXPECT(!log_mel.empty() && log_mel.size() % kMelBins == 0);
  WAKEBUILDER_EXPECT(std::ranges::all_of(log_mel, is_invertible));
  WAKEBUILDER_EXPECT(options.iterations >= 0);
  const std::vector<float> magnitudes = magnitudes_of(log_mel);
  ShortTimeTransform transform(log_mel.size() / kMelBins);
  if (energy_of(magnitudes) <= 0) return std::vector<float>(transform.samples());
  std::vector<float> samples = griffin_lim(transform, magnitudes, options);
  restore_loudness(transform, magnitudes, samples);
  undo_pre_emphasis(samples);
  return samples;
}

}  // namespace wakebuilder::audio
