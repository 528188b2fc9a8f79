// From any rate and any number of channels to 16 kHz mono, piece by piece.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "wakebuilder/core/result.h"

namespace wakebuilder::audio {

/// The mean over the channels of interleaved samples.
/// @pre interleaved.size() == channels * mono.size()
void mix(std::span<const float> interleaved, std::size_t channels, std::span<float> mono);

/// soxr, very high quality; 16 kHz passes through as it is. The samples do not depend on the sizes
/// of the pieces. Errors have no name of a source yet.
class Resampler {
 public:
  /// Errors: kUnsupported for rates that soxr does not take.
  static Result<Resampler> make(int rate_hz);

  struct Step {
    std::size_t used = 0;  ///< of the samples that went in
    std::size_t made = 0;  ///< of the samples that came out
  };

  /// Takes what it can of `in` and fills what it can of `out`. Errors: kCorrupt with soxr's reason.
  Result<Step> process(std::span<const float> in, std::span<float> out);

  /// No more input: what was kept back. Fewer than out.size() only at the end.
  Result<std::size_t> finish(std::span<float> out);

 private:
  struct Soxr;
  struct Delete {
    void operator()(Soxr* soxr) const;
  };
  Result<Step> run(const float* in, std::size_t size, std::span<float> out);

  std::unique_ptr<Soxr, Delete> soxr_;  ///< none: 16 kHz
};

}  // namespace wakebuilder::audio
