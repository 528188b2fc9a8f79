// Windows of synthetic sound, and what the frozen backbone hears in them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/corpus/augment.h"
#include "wakebuilder/corpus/bank.h"
#include "wakebuilder/corpus/window.h"
#include "wakebuilder/model/load_compact.h"
#include "wakebuilder/runtime/bound_run.h"
#include "wakebuilder/runtime/onnxruntime.h"

namespace wakebuilder::pipeline {

/// Runs the backbone of a compact network on features. Not to be used by two threads at once.
class TokenRunner {
 public:
  /// @param frames  of an input; a run takes one
  static Result<TokenRunner> create(const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                                    const model::CompactClassifier& network, std::int64_t frames);

  /// @param log_mel  [frames, 128], natural logarithm, not normalised
  /// @return [96, N], valid until the next call
  Result<std::span<const float>> run(std::span<const float> log_mel);

  /// What it was run on: normalised features [frames, 128].
  std::span<const float> features() { return run_.input(0); }

 private:
  TokenRunner(runtime::BoundRun run, double mean, double std)
      : run_(std::move(run)), mean_(mean), std_(std) {}
  runtime::BoundRun run_;
  double mean_, std_;
};

/// Windows that a head learns from.
struct LabelledTokens {
  core::Tensor tokens;    ///< [n, 96, N] float32
  core::Tensor labels;    ///< [n] uint8: 1 where the wake word is in the window
  core::Tensor features;  ///< [n, 160, 128] float32, normalised, where they are kept
};

struct WindowsOptions {
  std::size_t count = 16384;
  std::uint64_t seed = 0;
  std::size_t threads = 1;
  bool keeps_features = false;  ///< 80 KB each
  /// Called after some windows by one thread at a time; false stops: kIo, "stopped".
  std::function<bool(std::size_t done, std::size_t all)> on_progress{};
};

/// Composes and augments windows of model::kStreamFrames frames and runs the backbone on each. The
/// windows depend on bank, noises, seed and their number, not on the threads. Half of them have
/// noise as in everyday rooms, half more of it (docs/training.md).
/// Errors: those of the session; kIo "stopped".
Result<LabelledTokens> make_windows(const corpus::Bank& bank,
                                    const std::vector<corpus::Frames>& noises,
                                    const model::CompactClassifier& network,
                                    const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                                    const WindowsOptions& options);

/// One of these windows.
struct Window {
  std::vector<float> frames;  ///< [160, 128], log-mel, not normalised
  corpus::Composition what;
};

/// The first windows that make_windows() would make of these options, to look at.
std::vector<Window> first_windows(const corpus::Bank& bank,
                                  const std::vector<corpus::Frames>& noises, std::uint64_t seed,
                                  std::size_t count);

}  // namespace wakebuilder::pipeline
