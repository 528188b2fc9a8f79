// Which hundredths of a second were loud.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "wakebuilder/audio/mel_filters.h"

namespace wakebuilder::runtime {

/// Measures the stream in blocks of one frame's shift, and remembers the last blocks.
class Gate {
 public:
  /// @param remembered  blocks
  Gate(double dbfs, std::size_t remembered)
      : least_energy_(std::pow(10.0, dbfs / 10) * static_cast<double>(audio::kFrameShift)),
        is_loud_(remembered, 0) {}

  void push(std::span<const float> samples) {
    for (const float sample : samples) {
      energy_ += static_cast<double>(sample) * static_cast<double>(sample);
      if (++in_block_ < audio::kFrameShift) continue;
      is_loud_[blocks_ % is_loud_.size()] = energy_ >= least_energy_ ? 1 : 0;
      ++blocks_;
      in_block_ = 0;
      energy_ = 0;
    }
  }

  /// True when one of the blocks [first, first + count) was loud. Those that are not whole yet, or
  /// not remembered any more, are not looked at.
  bool was_loud(std::uint64_t first, std::uint64_t count) const {
    for (std::uint64_t block = first; block < first + count && block < blocks_; ++block)
      if (blocks_ - block <= is_loud_.size() && is_loud_[block % is_loud_.size()] != 0) return true;
    return false;
  }

  void reset() {
    energy_ = 0;
    in_block_ = 0;
    blocks_ = 0;
  }

 private:
  double least_energy_;        ///< sum of squares in a block
  std::vector<char> is_loud_;  ///< a ring
  double energy_ = 0;
  std::size_t in_block_ = 0;
  std::uint64_t blocks_ = 0;
};

}  // namespace wakebuilder::runtime
