// Random numbers that are the same on every machine and with every standard library.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace wakebuilder::corpus {

/// xoshiro256** (Blackman and Vigna 2018), begun with splitmix64. The distributions of the standard
/// library differ from one implementation to the next; these do not.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) word = splitmix(seed);
  }

  /// One of many sequences that belong together: of window 7 of seed 3.
  Random(std::uint64_t seed, std::uint64_t number) : Random(seed * kGolden + number) {}

  std::uint64_t bits() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// 0 to below 1.
  double uniform() { return static_cast<double>(bits() >> 11U) * 0x1p-53; }
  double uniform(double least, double most) { return least + (most - least) * uniform(); }

  /// True with this probability.
  bool chance(double probability) { return uniform() < probability; }

  /// 0 to below `count`, which is at least 1.
  std::int64_t index(std::int64_t count) {
    return static_cast<std::int64_t>(uniform() * static_cast<double>(count));
  }

  /// One of a list that is not empty.
  template <class List>
  const auto& any_of(const List& list) {
    return list[static_cast<std::size_t>(index(static_cast<std::int64_t>(list.size())))];
  }

  /// least to most, both included.
  std::int64_t integer(std::int64_t least, std::int64_t most) {
    return least + index(most - least + 1);
  }

  double exponential(double mean) { return -mean * std::log1p(-uniform()); }

  /// Mean 0, deviation 1 (Box and Muller 1958).
  double normal() {
    const double radius = std::sqrt(-2 * std::log1p(-uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  static constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;  ///< 2^64 / the golden ratio

  static std::uint64_t splitmix(std::uint64_t& seed) {
    seed += kGolden;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  std::uint64_t state_[4] = {};
};

}  // namespace wakebuilder::corpus
