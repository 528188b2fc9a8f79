// Coloured noise: white noise through pairs of a pole and a zero.
//
// A pole bends the spectrum of power from flat to f^-2, a zero bends it back. Poles at 20 Hz,
// 60 Hz, 180 Hz, ..., each with its zero 3^(-slope / 2) times as high, make a staircase along
// f^slope whose steps melt into a line: within 0.5 dB from 100 Hz to 2 kHz (J. O. Smith and
// H. F. Smith, "Closed Form Fractional Integration and Differentiation via Real Exponentially
// Spaced Pole-Zero Pairs", 2016). Below 20 Hz it is flat. Poles and zeros at p Hz come to the z
// plane as e^(-2 pi p / rate), which makes the octave below 8 kHz less steep: by 3.3 dB at a slope
// of -2.2, by 1.5 dB at -1. That is 7 pairs a sample; fractional integration (Kasdin 1995) is bent
// more and takes 800 taps.
#include "wakebuilder/corpus/noise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/audio/noise.h"
#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/parallel.h"
#include "wakebuilder/corpus/clip.h"
#include "wakebuilder/corpus/random.h"

namespace wakebuilder::corpus {
namespace {

constexpr double kRateHz = audio::kSampleRateHz;
constexpr double kTwoPi = 2 * std::numbers::pi;
constexpr std::size_t kLeastTalk = 1600;  ///< samples

using Samples = std::vector<float>;
using Speech = std::vector<std::span<const float>>;

Samples white(std::size_t count, Random& random) {
  Samples samples(count);
  for (float& sample : samples) sample = static_cast<float>(random.normal());
  return samples;
}

void scale(std::span<float> samples, double gain) {
  for (float& sample : samples) sample = static_cast<float>(double{sample} * gain);
}

// ---- coloured and modulated ----

/// White noise to noise whose power goes with f^slope.
class Colour {
 public:
  explicit Colour(double slope) {
    double pole_hz = kLowestHz;
    for (Pair& pair : pairs_) {
      pair.pole = std::exp(-kTwoPi * pole_hz / kRateHz);
      pair.zero = std::exp(-kTwoPi * pole_hz * std::pow(kRatio, -slope / 2) / kRateHz);
      pole_hz *= kRatio;
    }
  }

  void apply(std::span<float> samples) {
    for (float& sample : samples) {
      double value = sample;
      for (Pair& pair : pairs_) value = pair.next(value);
      sample = static_cast<float>(value);
    }
  }

 private:
  static constexpr double kLowestHz = 20;
  static constexpr double kRatio = 3;

  struct Pair {
    double pole = 0;
    double zero = 0;
    double state = 0;

    double next(double in) {
      const double before = state;
      state = in + pole * before;
      return state - zero * before;
    }
  };
  std::array<Pair, 7> pairs_;  ///< from 20 Hz to 14.6 kHz
};

Samples coloured(std::size_t count, double slope, Random& random) {
  Samples samples = white(count, random);
  Colour(slope).apply(samples);
  audio::normalise_rms(samples);
  return samples;
}

/// Follows straight lines through random levels.
void modulate(std::span<float> samples, Random& random) {
  const double seconds = static_cast<double>(samples.size()) / kRateHz;
  const double knots_per_s = random.uniform(0.5, 7.5);
  std::vector<double> levels(static_cast<std::size_t>(knots_per_s * seconds) + 2);
  for (double& level : levels) level = std::pow(random.uniform(0.05, 1), 1.5);
  const double step = static_cast<double>(levels.size() - 1) / static_cast<double>(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double place = static_cast<double>(i) * step;
    const auto knot = std::min(static_cast<std::size_t>(place), levels.size() - 2);
    const double share = place - static_cast<double>(knot);
    samples[i] *= static_cast<float>(levels[knot] * (1 - share) + levels[knot + 1] * share);
  }
}

Samples modulated(std::size_t count, Random& random) {
  Samples samples = coloured(count, random.uniform(-2, 0.3), random);
  modulate(samples, random);
  return samples;
}

// ---- hum and events ----

/// Adds a sine: x[n + 1] = 2 cos(w) x[n] - x[n - 1].
void add_sine(std::span<float> samples, double frequency_hz, double amplitude, double phase) {
  const double step = kTwoPi * frequency_hz / kRateHz;
  const double factor = 2 * std::cos(step);
  double before = amplitude * std::sin(phase - step);
  double now = amplitude * std::sin(phase);
  for (float& sample : samples) {
    sample += static_cast<float>(now);
    const double next = factor * now - before;
    before = now;
    now = next;
  }
}

Samples hum(std::size_t count, Random& random) {
  constexpr std::array kMains = {50.0, 60.0, 100.0, 120.0};
  constexpr int kHarmonics = 19;
  const double frequency_hz = random.any_of(kMains) * random.uniform(0.98, 1.02);
  Samples samples(count);
  for (int harmonic = 1; harmonic <= kHarmonics; ++harmonic)
    add_sine(samples, frequency_hz * harmonic, std::pow(harmonic, -random.uniform(0.5, 2)),
             random.uniform(0, kTwoPi));
  audio::normalise_rms(samples);
  const auto hiss = static_cast<float>(0.3 * random.uniform(0.02, 1));
  for (float& sample : samples) sample += hiss * static_cast<float>(random.normal());
  return samples;
}

/// A tone with up to three overtones.
Samples tone(std::size_t count, double frequency_hz, Random& random) {
  const std::int64_t harmonics = random.integer(1, 4);
  Samples samples(count);
  for (std::int64_t harmonic = 1; harmonic <= harmonics; ++harmonic) {
    const double own_hz = frequency_hz * static_cast<double>(harmonic);
    if (own_hz < kRateHz / 2) add_sine(samples, own_hz, 1 / static_cast<double>(harmonic), 0);
  }
  return samples;
}

/// A tone or a burst of white noise that dies away: by 43 dB at its end.
Samples event(Random& random) {
  constexpr double kNepers = 5;
  const auto count = static_cast<std::size_t>(random.uniform(0.01, 0.8) * kRateHz);
  const double frequency_hz =
      random.chance(0.5) ? random.uniform(80, 400) : random.uniform(200, 4000);
  Samples samples = random.chance(0.6) ? tone(count, frequency_hz, random) : white(count, random);
  const double decay = std::exp(-kNepers / static_cast<double>(count));
  double gain = random.uniform(0.1, 1);
  for (float& sample : samples) {
    sample *= static_cast<float>(gain);
    gain *= decay;
  }
  return samples;
}

Samples events(std::size_t count, Random& random) {
  constexpr double kFloor = 0.01;
  Samples samples = coloured(count, -1, random);
  scale(samples, kFloor);
  const double per_second = random.uniform(1, 7.5);
  const auto events =
      static_cast<std::size_t>(per_second * static_cast<double>(count) / kRateHz + 1);
  for (std::size_t i = 0; i < events; ++i) {
    const Samples sound = event(random);
    const auto at = random.index(static_cast<std::int64_t>(count - sound.size()) + 1);
    float* target = samples.data() + at;
    for (const float sample : sound) *target++ += sample;
  }
  return samples;
}

// ---- babble ----

/// Adds a clip at another speed, as far as there is room. Returns the samples it took.
std::size_t add_clip(std::span<const float> clip, double speed, float gain, std::span<float> out) {
  const auto last = static_cast<double>(clip.size() - 1);
  std::size_t count = 0;
  for (; count < out.size(); ++count) {
    const double place = static_cast<double>(count) * speed;
    if (place >= last) break;
    const auto before = static_cast<std::size_t>(place);
    const auto share = static_cast<float>(place - static_cast<double>(before));
    out[count] += gain * (clip[before] * (1 - share) + clip[before + 1] * share);
  }
  return count;
}

void add_talker(const Speech& speech, std::span<float> out, Random& random) {
  constexpr double kLongestPauseS = 0.4;
  const auto gain = static_cast<float>(std::pow(10, random.uniform(-10, 0) / 20));
  while (!out.empty()) {
    const auto clip = random.any_of(speech);
    out = out.subspan(add_clip(clip, random.uniform(0.85, 1.2), gain, out));
    const auto pause = static_cast<std::size_t>(random.uniform(0, kLongestPauseS) * kRateHz);
    out = out.subspan(std::min(pause, out.size()));
  }
}

Samples babble(const Speech& speech, std::size_t count, Random& random) {
  constexpr std::array kTalkers = {1, 2, 3, 4, 6, 8, 12};
  Samples samples(count);
  const int talkers = random.any_of(kTalkers);
  for (int i = 0; i < talkers; ++i) add_talker(speech, samples, random);
  return samples;
}

// ---- all ----

Samples make_noise(NoiseKind kind, const Speech& speech, std::size_t count, Random& random) {
  switch (kind) {
    case NoiseKind::kColoured:
      return coloured(count, random.uniform(-2.2, 0.8), random);
    case NoiseKind::kModulated:
      return modulated(count, random);
    case NoiseKind::kHum:
      return hum(count, random);
    case NoiseKind::kBabble:
      return babble(speech, count, random);
    case NoiseKind::kEvents:
      return events(count, random);
  }
  return {};
}

Speech usable(std::span<const std::vector<float>> speech) {
  Speech clips;
  for (const std::vector<float>& clip : speech)
    if (clip.size() >= kLeastTalk) clips.emplace_back(clip);
  return clips;
}

}  // namespace

std::vector<Frames> make_noises(std::span<const std::vector<float>> speech,
                                const NoiseOptions& options) {
  WAKEBUILDER_EXPECT(options.seconds >= 1 && options.seconds <= 3600);
  const Speech clips = usable(speech);
  std::vector<NoiseKind> kinds = options.kinds;
  if (clips.empty()) std::erase(kinds, NoiseKind::kBabble);
  if (kinds.empty()) return {};
  const auto count = static_cast<std::size_t>(options.seconds * kRateHz);
  const std::uint64_t first = Random(options.seed).bits();
  std::vector<Frames> noises(options.count);
  core::for_each_job(options.count, options.threads, [&](std::size_t i) {
    Random random(first + i);
    Samples noise = make_noise(kinds[i % kinds.size()], clips, count, random);
    audio::normalise_rms(noise);
    scale(noise, kClipLevel);
    noises[i] = log_mel(noise);
  });
  return noises;
}

}  // namespace wakebuilder::corpus
