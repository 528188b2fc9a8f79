// One model on a stream of frames or samples: cuts it into windows and runs the model on each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "wakebuilder/runtime/bound_run.h"
#include "wakebuilder/runtime/wake_model.h"

namespace wakebuilder::runtime {

/// What a model said of one window.
struct Answer {
  std::uint64_t hop = 0;           ///< the window is of frames [hop_frames * hop, ... + window)
  std::vector<float> logits = {};  ///< class 1 less class 0 for each word; empty: was not asked
};

/// Not thread-safe.
class Listener {
 public:
  /// Says whether the window of a hop is worth looking at.
  using Audible = std::function<bool(std::uint64_t hop)>;

  /// @param audible  null: all are
  /// Errors: kUnsupported with ONNX Runtime's reason.
  static Result<Listener> create(WakeModel model, Audible audible);

  const Hearing& hearing() const { return hearing_; }
  const std::vector<WakeWord>& words() const { return words_; }

  /// Takes normalised frames of 128 numbers, or samples, as the model hears.
  Result<void> push(std::span<const float> values, std::vector<Answer>& out);

  /// The end of a recording: one that was shorter than a window gives one answer, of the window
  /// padded at its end (with silence where a stream hears samples), and a stream the windows that
  /// ended within its last hop.
  Result<void> finish(std::vector<Answer>& out);

  /// As new.
  void reset();

 private:
  Listener(BoundRun run, const WakeModel& model, Audible audible);

  std::uint64_t due() const;
  Result<void> take_window(std::vector<Answer>& out);
  Result<void> step(std::vector<Answer>& out);
  Result<void> wake_up();
  Result<void> run_on(std::span<const float> rows);
  Result<void> answer_short(std::vector<Answer>& out);
  Answer answer(std::uint64_t hop) const;
  void clear_states();
  float padding() const;

  BoundRun run_;
  Hearing hearing_;
  std::vector<WakeWord> words_;
  Audible audible_;
  std::size_t row_;          ///< numbers in a row: 128, or 1
  std::size_t needed_;       ///< numbers in a window, or in the hop of a stream
  std::size_t advance_;      ///< numbers from one to the next
  std::vector<float> next_;  ///< the begin of the next window
  std::uint64_t taken_ = 0;  ///< windows, or hops of a stream
  std::uint64_t answers_ = 0;
  std::vector<float> past_;  ///< hops that a sleeping stream will need, the newest last
  bool asleep_ = false;
};

}  // namespace wakebuilder::runtime
