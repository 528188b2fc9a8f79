#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "wakebuilder/corpus/pieces.h"
namespace wakebuilder::corpus {
struct NoiseOptions {
  std::size_t count = 56;
  double seconds = 40;
  std::uint64_t seed = 0;
  std::size_t threads = 1;
};
std::vector<Frames> make_noises(std::span<const std::vector<float>> speech,
                                const NoiseOptions& options);
}  // namespace wakebuilder::corpus
