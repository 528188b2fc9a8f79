#include "wakebuilder/corpus/augment.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/expect.h"

namespace wakebuilder::corpus {
namespace {

using Curve = std::array<float, kBins>;

constexpr double kNepersPerDb = 0.23025850929940457;  ///< ln(10) / 10: of powers
constexpr double kT60Nepers = 13.815510557964274;     ///< ln(10^6): 60 dB
constexpr double kMaskedBinsShare = 0.5;
constexpr double kMaskedFramesShare = 0.3;

/// HTK's mel scale (The HTK Book, "Filterbank Analysis").
double mel(double hz) { return 1127 * std::log1p(hz / 700); }
double hz(double mel) { return 700 * std::expm1(mel / 1127); }

/// Centre of a bin. 128 triangles stand on 130 points from 20 Hz to 8 kHz.
double centre_hz(double bin) {
  const double low = mel(audio::kLowHz);
  const double step = (mel(audio::kHighHz) - low) / (kBins + 1);
  return hz(low + (bin + 1) * step);
}

/// The bin, with a fraction, whose centre this is.
double bin_of(double frequency_hz) {
  const double low = mel(audio::kLowHz);
  const double step = (mel(audio::kHighHz) - low) / (kBins + 1);
  return (mel(frequency_hz) - low) / step - 1;
}

/// Straight lines between normal numbers at `knots` even places.
Curve random_curve(std::size_t knots, double deviation, Random& random) {
  std::array<double, 8> values{};
  WAKEBUILDER_EXPECT(knots >= 2 && knots <= values.size());
  for (std::size_t i = 0; i < knots; ++i) values[i] = deviation * random.normal();
  Curve curve{};
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const double x =
        static_cast<double>(bin) * static_cast<double>(knots - 1) / static_cast<double>(kBins - 1);
    const auto knot = std::min(static_cast<std::size_t>(x), knots - 2);
    const double share = x - static_cast<double>(knot);
    curve[bin] = static_cast<float>(values[knot] * (1 - share) + values[knot + 1] * share);
  }
  return curve;
}

/// Each row by the mean of itself and `side` neighbours, the ends repeated.
void smooth(std::span<float> row, std::int64_t side) {
  Curve copy{};
  std::ranges::copy(row, copy.begin());
  const auto last = static_cast<std::int64_t>(kBins) - 1;
  for (std::int64_t bin = 0; bin <= last; ++bin) {
    float sum = 0;
    for (std::int64_t i = bin - side; i <= bin + side; ++i)
      sum += copy[static_cast<std::size_t>(std::clamp<std::int64_t>(i, 0, last))];
    row[static_cast<std::size_t>(bin)] = sum / static_cast<float>(2 * side + 1);
  }
}

std::span<float> row_of(std::span<float> frames, std::size_t t) {
  return frames.subspan(t * kBins, kBins);
}

}  // namespace

/// Vocal tracts of other lengths: bin b takes what stood at its warped frequency.
void Augmenter::warp_frequencies(std::span<float> window, Random& random) const {
  const double tract =
      random.chance(options_.tract_share) ? random.uniform(-options_.tract, options_.tract) : 0;
  const Curve wiggle = random_curve(6, options_.wiggle, random);
  std::array<std::size_t, kBins> from{};
  Curve share{};
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const double frequency =
        centre_hz(static_cast<double>(bin)) * std::exp(tract + static_cast<double>(wiggle[bin]));
    const double place = std::clamp(bin_of(frequency), 0.0, kBins - 1.001);
    from[bin] = static_cast<std::size_t>(place);
    share[bin] = static_cast<float>(place - static_cast<double>(from[bin]));
  }
  const std::int64_t side = random.chance(options_.smoothed) ? random.integer(1, 3) : 0;
  Curve copy{};
  for (std::size_t t = 0; t < window.size() / kBins; ++t) {
    const auto row = row_of(window, t);
    std::ranges::copy(row, copy.begin());
    for (std::size_t bin = 0; bin < kBins; ++bin)
      row[bin] = copy[from[bin]] * (1 - share[bin]) + copy[from[bin] + 1] * share[bin];
    if (side > 0) smooth(row, side);
  }
}

/// An exponential tail of power behind each frame: r[t] = d (r[t - 1] + p[t - 1]).
void Augmenter::reverberate(std::span<float> powers, Random& random) const {
  const double decay_s = random.uniform(options_.decay_s.least, options_.decay_s.most);
  const double direct_db = random.uniform(options_.direct_db.least, options_.direct_db.most);
  const double decay = std::exp(-kT60Nepers / (decay_s * kFramesPerSecond));
  // The tail is decay^1 + decay^2 + ... = decay / (1 - decay) before it is scaled.
  const auto gain = static_cast<float>(std::exp(-direct_db * kNepersPerDb) * (1 - decay) / decay);
  Curve tail{};
  for (std::size_t t = 0; t < powers.size() / kBins; ++t) {
    const auto row = row_of(powers, t);
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      const float own = row[bin];
      row[bin] = own + gain * tail[bin];
      tail[bin] = static_cast<float>(decay) * (tail[bin] + own);
    }
  }
}

/// Equaliser, tilt, band limits and level; returns the level in dB.
double Augmenter::colour(std::span<float> powers, Random& random) const {
  Curve gains = random_curve(7, options_.equaliser_db, random);
  const double tilt = random.uniform(-options_.tilt_db, options_.tilt_db);
  const double low = random.chance(0.4) ? random.uniform(60, 350) : 1;
  const double low_slope = random.uniform(6, 18);
  const double high = random.chance(0.35) ? random.uniform(2800, 8000) : 1e5;
  const double high_slope = random.uniform(12, 60);
  const double level = random.uniform(options_.gain_db.least, options_.gain_db.most);
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const double frequency = centre_hz(static_cast<double>(bin));
    const double along = 2 * static_cast<double>(bin) / (kBins - 1) - 1;
    const double db = static_cast<double>(gains[bin]) + tilt * along + level -
                      std::max(0.0, std::log2(low / frequency)) * low_slope -
                      std::max(0.0, std::log2(frequency / high)) * high_slope;
    gains[bin] = static_cast<float>(std::exp(db * kNepersPerDb));
  }
  for (std::size_t t = 0; t < powers.size() / kBins; ++t) {
    const auto row = row_of(powers, t);
    for (std::size_t bin = 0; bin < kBins; ++bin) row[bin] *= gains[bin];
  }
  return level;
}

void Augmenter::add_noise(std::span<float> powers, double level_db, Random& random) const {
  if (noises_.empty()) return;
  const Frames& noise = random.any_of(noises_);
  WAKEBUILDER_EXPECT(noise.size() >= powers.size());
  const auto room = static_cast<std::int64_t>((noise.size() - powers.size()) / kBins);
  const auto begin = static_cast<std::size_t>(random.integer(0, room)) * kBins;
  Curve level = random_curve(5, 3.0, random);
  for (float& db : level)
    db = static_cast<float>((static_cast<double>(db) + level_db) * kNepersPerDb);
  for (std::size_t i = 0; i < powers.size(); ++i)
    powers[i] += std::exp(noise[begin + i] + level[i % kBins]);
}

/// Some bins and frames at the window's mean.
void Augmenter::mask(std::span<float> window, Random& random) const {
  double sum = 0;
  for (const float value : window) sum += static_cast<double>(value);
  const auto mean = static_cast<float>(sum / static_cast<double>(window.size()));
  const std::size_t frames = window.size() / kBins;
  for (int i = 0; i < 2; ++i) {
    if (random.chance(kMaskedBinsShare)) {
      const auto first = static_cast<std::size_t>(random.index(kBins));
      const auto count = static_cast<std::size_t>(random.integer(0, options_.mask_bins));
      for (std::size_t t = 0; t < frames; ++t)
        std::ranges::fill(row_of(window, t).subspan(first, std::min(count, kBins - first)), mean);
    }
    if (random.chance(kMaskedFramesShare)) {
      const auto first = static_cast<std::size_t>(random.index(static_cast<std::int64_t>(frames)));
      const auto count = static_cast<std::size_t>(random.integer(0, options_.mask_frames));
      for (std::size_t t = first; t < std::min(frames, first + count); ++t)
        std::ranges::fill(row_of(window, t), mean);
    }
  }
}

/// The first frames leave and as many of digital silence come at the end.
void Augmenter::cut(std::span<float> window, std::int64_t spare, Random& random) {
  constexpr std::int64_t kFewest = 5;
  const std::int64_t wanted = std::min(spare, random.integer(kFewest, kMostCut));
  const auto count = std::min(window.size(), static_cast<std::size_t>(wanted) * kBins);
  std::copy(window.begin() + static_cast<std::ptrdiff_t>(count), window.end(), window.begin());
  std::ranges::fill(window.last(count), static_cast<float>(audio::kLogMelFloor));
}

void Augmenter::augment(std::span<float> window, Random& random, std::int64_t spare) const {
  WAKEBUILDER_EXPECT(!window.empty() && window.size() % kBins == 0);
  warp_frequencies(window, random);
  const double jitter = random.uniform(0, options_.jitter);
  for (float& value : window)
    value = std::exp(value + static_cast<float>(jitter * random.normal()));
  if (random.chance(options_.reverberant)) reverberate(window, random);
  const double level = colour(window, random);
  const Range& snr = random.chance(options_.noisy) ? options_.noise_db : options_.faint_db;
  add_noise(window, level - random.uniform(snr.least, snr.most), random);
  if (random.chance(options_.second))
    add_noise(window, level - random.uniform(options_.second_db.least, options_.second_db.most),
              random);
  // The recorder's own noise.
  const double floor = random.uniform(-15.9, -9);
  for (std::size_t i = 0; i < window.size(); ++i) {
    const double along = static_cast<double>(i % kBins) / (kBins - 1);
    const double power = static_cast<double>(window[i]) + std::exp(floor - 2 + 3.2 * along);
    window[i] = static_cast<float>(std::log(std::max(power, audio::kMelFloor)));
  }
  mask(window, random);
  if (random.chance(options_.cut)) cut(window, spare, random);
}

}  // namespace wakebuilder::corpus
