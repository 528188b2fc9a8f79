// Sound in, detections out.
//
//   auto detector = Detector::create(std::move(models));
//   for (;;) {
//     auto heard = detector->push(read_microphone());     // any number of samples
//     if (heard)
//       for (const Detection& detection : *heard) ...
//   }
//
// The sound is cut into frames, never into windows: frame i covers samples [160 i, 160 i + 400).
// Score k of a model belongs to frames [hop k, hop k + window) and to the time of its last sample.
// The difference of the logits is averaged over `smoothing` scores; its logistic function is the
// probability that is compared with the threshold. Its rise to the threshold is a detection, unless
// the refractory time of the one before is not over (docs/detection.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/runtime/wake_model.h"

namespace wakebuilder::runtime {

/// What a model said of one window.
struct Score {
  std::size_t word = 0;    ///< index into Detector::words()
  std::uint64_t hop = 0;   ///< k
  double time_s = 0;       ///< end of the window, from the begin of the stream
  double probability = 0;  ///< of this window alone, 0 to 1; 0 where the gate was closed
  double smoothed = 0;     ///< of the mean of the last windows, 0 to 1
};

/// A wake word was said.
struct Detection {
  std::size_t word = 0;  ///< index into Detector::words()
  double time_s = 0;     ///< end of the window, from the begin of the stream
  double score = 0;      ///< smoothed probability
  std::string model;     ///< WakeWord::model
};

struct DetectorOptions {
  /// A window is looked at only when a hundredth of a second in it is as loud as this, in dB under
  /// full scale (root mean square), e.g. -55: silent rooms then cost features alone. Nothing: all
  /// windows are.
  std::optional<double> gate_dbfs{};
};

/// Models on one stream of sound. Features are computed once for all models that agree on them.
/// The results do not depend on how the samples are cut into pushes; memory does not grow with the
/// stream. Not thread-safe.
class Detector {
 public:
  /// Errors: kInvalidArgument for no model at all, or a gate that is no number below 0;
  /// kUnsupported with ONNX Runtime's reason.
  static Result<Detector> create(std::vector<WakeModel> models,
                                 const DetectorOptions& options = {});

  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;
  ~Detector();

  /// What it listens for.
  const std::vector<WakeWord>& words() const;

  /// Takes 16 kHz mono samples, +-1, and gives what was said, in the order of time.
  /// Errors: kInvalidArgument for a sample that is NaN or infinite, with its time; nothing of
  /// the samples is used then. kUnsupported with ONNX Runtime's reason.
  Result<std::vector<Detection>> push(std::span<const float> samples);

  /// The end of a recording: one that was shorter than a window is judged now, padded at its end.
  /// reset() before the next recording.
  Result<std::vector<Detection>> finish();

  /// The scores that the last push() or finish() brought, in the order of time.
  std::span<const Score> scores() const;

  /// Samples that were pushed since the begin.
  std::uint64_t samples() const;

  /// A new stream begins.
  void reset();

 private:
  class Impl;
  explicit Detector(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wakebuilder::runtime
