// Streams: what an operation over time needs of the past, when its input arrives hop by hop.
//
// A whole window and a stream share one forward pass. Before an operation whose window moves over
// time the pass asks for the past:
//
//   x = op.past("conv_2", x, 2, {0, channels, time.slide(3, 1), bins});
//   x = op.conv("conv_2", x, w.conv_2, {});
//
// An interpreter of whole windows gives x back. One of streams puts the last steps of the hop
// before in front of x, keeps the last steps of what came out for the next hop, and so makes the
// step of the stream equal to the window: nothing is padded over time.
//
// Example: frames arrive 16 at a time, and a kernel of 3 follows. It needs the 2 frames before, so
// its 16 steps begin 2 before the hop. Pooling of 2 by 2 behind it needs nothing: its pairs are
// (-2, -1), (0, 1), ... Behind a second kernel of 3 and a pooling that begins at an odd step, one
// step more of the past keeps the pairs those of the window, which begins at step 0.
#pragma once

#include <cstdint>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::model {

/// Frames of 10 ms in a hop: 160 ms, the distance of two scores (docs/architecture.md).
inline constexpr std::int64_t kHopFrames = 16;

/// Where in the stream the steps of a value lie, seen from the begin of the newest hop.
class Timeline {
 public:
  /// @param steps  that a hop brings, at least 1
  explicit Timeline(std::int64_t steps) : steps_(steps) { WAKEBUILDER_EXPECT(steps > 0); }

  std::int64_t first() const { return first_; }  ///< step of the first one, 0 or negative
  std::int64_t steps() const { return steps_; }  ///< per hop

  /// Moves on to the output of a window of `kernel` steps that advances by `stride`. Returns how
  /// many past steps its input needs, so that every hop gives steps() / stride outputs and those
  /// lie on the grid of a window that begins at step 0.
  /// @pre kernel >= stride >= 1 and stride divides steps(), else std::logic_error
  std::int64_t slide(std::int64_t kernel, std::int64_t stride) {
    WAKEBUILDER_EXPECT(stride >= 1 && kernel >= stride && steps_ % stride == 0);
    const std::int64_t least = kernel - stride;
    const std::int64_t off_grid = ((first_ - least) % stride + stride) % stride;
    const std::int64_t past = least + off_grid;
    first_ = (first_ - past) / stride;
    steps_ /= stride;
    return past;
  }

 private:
  std::int64_t first_ = 0;
  std::int64_t steps_;
};

}  // namespace wakebuilder::model
