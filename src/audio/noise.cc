#include "wakebuilder/audio/noise.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace wakebuilder::audio {
namespace {

constexpr std::size_t kPiece = 400;
constexpr double kActiveShare = 0.0031622776601683794;  // 10^-2.5: 25 dB of power
constexpr double kLeastEnergy = 1e-12;
constexpr double kFloorPercentile = 5;
constexpr double kFloorBelowActive = 0.01;  // 40 dB of amplitude
constexpr double kLeastFloor = 1e-5;

double active_rms(const std::vector<float>& energies) {
  if (energies.empty()) return std::sqrt(kLeastEnergy);
  const double edge = kActiveShare * static_cast<double>(std::ranges::max(energies));
  double sum = 0;
  double count = 0;
  for (const float energy : energies) {
    if (static_cast<double>(energy) <= edge) continue;
    sum += static_cast<double>(energy);
    ++count;
  }
  return std::sqrt((count > 0 ? sum / count : 0) + kLeastEnergy);
}

/// With straight lines between neighbours in the order, as numpy.percentile.
double percentile(std::vector<float> values, double percent) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const double place = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double low = std::sqrt(static_cast<double>(values[below]));
  const double high = std::sqrt(static_cast<double>(values[above]));
  return low + (high - low) * (place - static_cast<double>(below));
}

}  // namespace

void SpeechLevelMeter::add(std::span<const float> samples) {
  for (const float sample : samples) {
    peak_ = std::max(peak_, std::abs(sample));
    energy_ += static_cast<double>(sample) * static_cast<double>(sample);
    if (++filled_ < kPiece) continue;
    energies_.push_back(static_cast<float>(energy_ / kPiece));
    energy_ = 0;
    filled_ = 0;
  }
}

SpeechLevel SpeechLevelMeter::level() const {
  const double active = active_rms(energies_);
  const double quiet = percentile(energies_, kFloorPercentile);
  return {.active_rms = active,
          .floor_rms = std::max(std::min(quiet, active * kFloorBelowActive), kLeastFloor),
          .peak = peak_};
}

SpeechLevel speech_level(std::span<const float> samples) {
  SpeechLevelMeter meter;
  meter.add(samples);
  return meter.level();
}

void make_pink(std::span<float> white) {
  constexpr std::array kPoles = {0.99886, 0.99332, 0.96900, 0.86650, 0.55000, -0.7616};
  constexpr std::array kGains = {0.0555179, 0.0750759, 0.1538520, 0.3104856, 0.5329522, -0.0168980};
  std::array<double, kPoles.size()> states{};
  double delayed = 0;
  for (float& sample : white) {
    const auto in = static_cast<double>(sample);
    double out = delayed + in * 0.5362;
    for (std::size_t i = 0; i < states.size(); ++i) {
      states[i] = kPoles[i] * states[i] + in * kGains[i];
      out += states[i];
    }
    delayed = in * 0.115926;
    sample = static_cast<float>(out);
  }
}

void normalise_rms(std::span<float> samples) {
  double energy = 0;
  for (const float sample : samples)
    energy += static_cast<double>(sample) * static_cast<double>(sample);
  if (energy <= 0) return;
  const auto gain = static_cast<float>(std::sqrt(static_cast<double>(samples.size()) / energy));
  for (float& sample : samples) sample *= gain;
}

}  // namespace wakebuilder::audio
