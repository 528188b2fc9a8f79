// Random numbers that are the same on every machine.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>

namespace wakebuilder::pipeline {

/// Standard normal numbers; std::normal_distribution gives others with every library.
class Normal {
 public:
  explicit Normal(std::uint64_t seed = 20240229) : engine_(seed) {}

  double next() {  // Box and Muller 1958
    const double radius = std::sqrt(-2.0 * std::log(uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  double uniform() { return (static_cast<double>(engine_() >> 11U) + 0.5) * 0x1p-53; }
  std::mt19937_64 engine_;
};

}  // namespace wakebuilder::pipeline
