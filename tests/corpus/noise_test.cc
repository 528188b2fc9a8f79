#include "wakebuilder/corpus/noise.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include <gtest/gtest.h>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/corpus/clip.h"
#include "wakebuilder/corpus/random.h"

namespace wakebuilder::corpus {
namespace {

using Speech = std::vector<std::vector<float>>;

/// A clip of a tone that begins and ends at once, at kClipLevel.
std::vector<float> beep(double frequency_hz, double seconds) {
  std::vector<float> samples(static_cast<std::size_t>(seconds * 16000));
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<float>(
        kClipLevel * std::numbers::sqrt2 *
        std::sin(2 * std::numbers::pi * frequency_hz * static_cast<double>(i) / 16000));
  return samples;
}

Speech talkers() { return {beep(300, 0.5), beep(700, 0.3), beep(1500, 0.8)}; }

/// The mean power of each bin.
std::vector<double> spectrum(const Frames& frames) {
  std::vector<double> powers(kBins);
  for (std::size_t i = 0; i < frames.size(); ++i)
    powers[i % kBins] += std::exp(static_cast<double>(frames[i]));
  for (double& power : powers) power /= static_cast<double>(frames.size() / kBins);
  return powers;
}

/// The power of each frame.
std::vector<double> loudness(const Frames& frames) {
  std::vector<double> powers(frames.size() / kBins);
  for (std::size_t i = 0; i < frames.size(); ++i)
    powers[i / kBins] += std::exp(static_cast<double>(frames[i]));
  return powers;
}

double deviation_db(const std::vector<double>& powers) {
  double sum = 0;
  double squares = 0;
  for (const double power : powers) {
    const double db = 10 * std::log10(power);
    sum += db;
    squares += db * db;
  }
  const auto count = static_cast<double>(powers.size());
  return std::sqrt(squares / count - sum * sum / count / count);
}

/// What white noise of a root mean square of kClipLevel has: the reference of every spectrum.
std::vector<double> white_spectrum() {
  Random random(99);
  std::vector<float> samples(640'000);
  for (float& sample : samples) sample = static_cast<float>(kClipLevel * random.normal());
  return spectrum(log_mel(samples));
}

double centre_hz(std::size_t bin) {
  const double low = 1127 * std::log1p(audio::kLowHz / 700);
  const double high = 1127 * std::log1p(audio::kHighHz / 700);
  return 700 * std::expm1((low + (high - low) * static_cast<double>(bin + 1) / 129) / 1127);
}

/// Of the straight line through log power over log frequency, from 300 Hz to 6 kHz.
struct Fit {
  double slope = 0;
  double worst_db = 0;  ///< the farthest bin from the line
};

Fit fit(const Frames& frames, const std::vector<double>& white) {
  const std::vector<double> powers = spectrum(frames);
  std::vector<std::pair<double, double>> points;
  for (std::size_t bin = 0; bin < kBins; ++bin)
    if (const double hz = centre_hz(bin); hz > 300 && hz < 6000)
      points.emplace_back(std::log(hz), std::log(powers[bin] / white[bin]));
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const auto& [log_hz, log_power] : points) {
    n += 1;
    x += log_hz;
    y += log_power;
    xx += log_hz * log_hz;
    xy += log_hz * log_power;
  }
  Fit result{.slope = (n * xy - x * y) / (n * xx - x * x)};
  for (const auto& [log_hz, log_power] : points)
    result.worst_db = std::max(
        result.worst_db,
        10 / std::numbers::ln10 * std::abs(log_power - y / n - result.slope * (log_hz - x / n)));
  return result;
}

std::vector<Frames> make(NoiseKind kind, std::size_t count, double seconds,
                         std::uint64_t seed = 1) {
  return make_noises(talkers(),
                     {.count = count, .seconds = seconds, .seed = seed, .kinds = {kind}});
}

TEST(MakeNoises, ColouredNoiseFallsOrRisesInAStraightLine) {
  const auto white = white_spectrum();
  double least = 9;
  double most = -9;
  for (const Frames& noise : make(NoiseKind::kColoured, 24, 10)) {
    const auto [slope, worst_db] = fit(noise, white);
    EXPECT_LT(worst_db, 2.5) << slope;
    least = std::min(least, slope);
    most = std::max(most, slope);
  }
  // Drawn evenly from -2.2 to 0.8; the frames' side lobes and pre-emphasis soften the steepest.
  EXPECT_GT(least, -2.3);
  EXPECT_LT(least, -1.6);
  EXPECT_LT(most, 0.9);
  EXPECT_GT(most, 0.4);
}

TEST(MakeNoises, PinkFloorOfEventsFallsByThreeDecibelsAnOctave) {
  // The quietest frames have no event in them.
  const auto white = white_spectrum();
  const Frames noise = make(NoiseKind::kEvents, 1, 40, 3)[0];
  const auto powers = loudness(noise);
  std::vector<std::size_t> order(powers.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t frame) { return powers[frame]; });
  Frames quiet;
  for (std::size_t i = 0; i < 40; ++i)
    quiet.insert(quiet.end(), noise.begin() + static_cast<std::ptrdiff_t>(order[i] * kBins),
                 noise.begin() + static_cast<std::ptrdiff_t>((order[i] + 1) * kBins));
  EXPECT_NEAR(fit(quiet, white).slope, -1, 0.3);
}

TEST(MakeNoises, AllHaveTheLevelOfSpeech) {
  // Two minutes of beeps at 850 to 1200 Hz, and pauses: in the mean the power that one tone of that
  // level has, but for the pre-emphasis, which makes it 0.26 dB more (the mean of its square).
  const auto beeps =
      make_noises(Speech{beep(1000, 0.3)},
                  {.count = 1, .seconds = 120, .seed = 4, .kinds = {NoiseKind::kBabble}});
  double want = 0;
  double found = 0;
  for (const double power : spectrum(log_mel(beep(1000, 20)))) want += power;
  for (const double power : spectrum(beeps[0])) found += power;
  EXPECT_NEAR(10 * std::log10(found / want), 0.26, 0.5);
}

TEST(MakeNoises, GoesThroughTheKindsInOrder) {
  const auto noises = make_noises(talkers(), {.count = 14, .seconds = 20, .seed = 2});
  ASSERT_EQ(noises.size(), 14U);
  const auto white = white_spectrum();
  for (std::size_t i = 0; i < 14; ++i) {
    ASSERT_EQ(noises[i].size(), audio::frame_count(320'000) * kBins);
    const std::size_t kind = i % 7;
    const double varies_db = deviation_db(loudness(noises[i]));
    const double uneven_db = fit(noises[i], white).worst_db;
    EXPECT_EQ(varies_db > 2, kind == 1 || kind >= 3) << i << ": " << varies_db;
    EXPECT_EQ(uneven_db > 3, kind >= 2) << i << ": " << uneven_db;
  }
}

TEST(MakeNoises, BabbleIsMadeOfTheSpeechAtOtherSpeeds) {
  // A tone of 1000 Hz comes as tones of 850 to 1200 Hz: bins 39 to 49, each with its share.
  const auto noises =
      make_noises(Speech{beep(1000, 0.4)},
                  {.count = 4, .seconds = 20, .seed = 5, .kinds = {NoiseKind::kBabble}});
  for (const Frames& noise : noises) {
    const auto powers = spectrum(noise);
    double near = 0;
    double all = 0;
    std::size_t strong = 0;
    const double strongest = std::ranges::max(powers);
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      all += powers[bin];
      if (centre_hz(bin) > 800 && centre_hz(bin) < 1270) near += powers[bin];
      strong += powers[bin] > strongest / 5 ? 1U : 0U;
    }
    EXPECT_GT(near / all, 0.98);
    EXPECT_GE(strong, 8U);
  }
}

TEST(MakeNoises, DoesNotDependOnThreadsNorOnHowManyThereAre) {
  const auto with = [](std::size_t count, std::size_t threads) {
    return make_noises(talkers(), {.count = count, .seconds = 2, .seed = 7, .threads = threads});
  };
  const auto alone = with(9, 1);
  EXPECT_EQ(with(9, 3), alone);
  EXPECT_EQ(with(2, 1)[1], alone[1]);
}

TEST(MakeNoises, DiffersFromSeedToSeedAndFromNoiseToNoise) {
  const auto one = make(NoiseKind::kHum, 2, 2, 1);
  const auto other = make(NoiseKind::kHum, 1, 2, 2);
  EXPECT_NE(one[0], one[1]);
  EXPECT_NE(one[0], other[0]);
  EXPECT_NE(one[1], other[0]);
}

TEST(MakeNoises, LeavesBabbleOutWithoutSpeech) {
  const NoiseOptions usual{.count = 5, .seconds = 2, .seed = 3};
  const auto noises = make_noises({}, usual);
  ASSERT_EQ(noises.size(), 5U);
  NoiseOptions others = usual;
  using enum NoiseKind;
  others.kinds = {kColoured, kModulated, kHum, kEvents};
  EXPECT_EQ(make_noises(talkers(), others), noises);
  EXPECT_EQ(make_noises(Speech{std::vector<float>(1599, 0.1F), {}}, usual), noises);
  others.kinds = {kBabble};
  EXPECT_TRUE(make_noises({}, others).empty());
}

TEST(MakeNoises, AreFiniteAtEveryLength) {
  for (const double seconds : {1.0, 1.7}) {
    for (const Frames& noise : make_noises(talkers(), {.count = 70, .seconds = seconds, .seed = 8}))
      EXPECT_TRUE(std::ranges::all_of(noise, [](float value) { return std::isfinite(value); }));
  }
  EXPECT_THROW(make_noises({}, {.seconds = 0.5}), std::logic_error);
}

}  // namespace
}  // namespace wakebuilder::corpus
