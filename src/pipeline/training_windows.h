// Windows of synthetic sound, and what the frozen part of a network hears in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/corpus/augment.h"
#include "wakebuilder/corpus/bank.h"
#include "wakebuilder/corpus/window.h"
#include "wakebuilder/runtime/onnxruntime.h"

#include "pipeline/frozen_encoder.h"

namespace wakebuilder::pipeline {

/// Windows that a head learns from.
struct LabelledTokens {
  core::Tensor tokens;    ///< [n, row of the encoder] float32
  core::Tensor labels;    ///< [n] uint8: 1 where the wake word is in the window
  core::Tensor features;  ///< [n, frames, 128] float32, normalised, where they are kept
};

struct WindowsOptions {
  std::size_t first = 0;  ///< number of the first window
  std::size_t count = 16384;
  std::uint64_t seed = 0;
  std::size_t threads = 1;
  bool keeps_features = false;  ///< 80 KB each
  /// Called after some windows by one thread at a time; false stops: kIo, "stopped".
  std::function<bool(std::size_t done, std::size_t all)> on_progress{};
};

/// Composes and augments windows of the encoder's frames and runs it on each. The windows depend on
/// bank, noises, seed and their number, not on the threads. Half of them have noise as in everyday
/// rooms, half more of it (docs/training.md).
/// Errors: those of the session; kIo "stopped".
Result<LabelledTokens> make_windows(const corpus::Bank& bank,
                                    const std::vector<corpus::Frames>& noises,
                                    const FrozenEncoder& encoder,
                                    const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                                    const WindowsOptions& options);

/// Windows that are made in parts and kept, each part in a file of its own: PREFIX-0.safetensors
/// and so on. What is there is not made again; a file that cannot be read or written is as none.
/// @param prefix  names all that the windows depend on, beside their number
/// @param make  makes `count` windows from number `first` on
/// Errors: those of `make`.
Result<LabelledTokens> cached_windows(
    const std::filesystem::path& prefix, std::size_t count, std::size_t part,
    const std::function<Result<LabelledTokens>(std::size_t first, std::size_t count)>& make);

/// One of these windows.
struct Window {
  std::vector<float> frames;  ///< [frames, 128], log-mel, not normalised
  corpus::Composition what;
};

/// The first windows that make_windows() would make of these options, to look at.
std::vector<Window> first_windows(const corpus::Bank& bank,
                                  const std::vector<corpus::Frames>& noises, std::int64_t frames,
                                  std::uint64_t seed, std::size_t count);

/// What these windows hold, without their sound.
std::vector<corpus::Composition> first_compositions(const corpus::Bank& bank,
                                                    const std::vector<corpus::Frames>& noises,
                                                    std::int64_t frames, std::uint64_t seed,
                                                    std::size_t count);

}  // namespace wakebuilder::pipeline
