// The larger part of a network, which is not trained: it runs once on each window.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/model/load_compact.h"
#include "wakebuilder/runtime/bound_run.h"
#include "wakebuilder/runtime/onnxruntime.h"

#include "pipeline/base_model.h"

namespace wakebuilder::pipeline {

/// An ONNX model from `input_values` [batch, frames, 128] to what a head learns from.
struct FrozenEncoder {
  std::string model;   ///< serialised
  std::string output;  ///< its name
  core::Shape row;     ///< of the output, for one window
  std::int64_t frames;
  FeatureScale features;
  bool is_large;  ///< all threads work on one window, since each network needs its own memory
};

/// The backbone of a compact network: tokens [96, N]. The head is not looked at.
FrozenEncoder tokens_encoder(const model::CompactClassifier& network, std::int64_t frames);

/// An AST: embeddings [hidden]. @pre base.features
FrozenEncoder embeddings_encoder(const LoadedBase& base);

/// Runs an encoder. Not to be used by two threads at once.
class EncoderRun {
 public:
  /// Errors: those of a session.
  static Result<EncoderRun> create(const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                                   const FrozenEncoder& encoder, std::size_t threads = 1);

  /// @param log_mel  [frames, 128], natural logarithm, not normalised
  /// @return the output's row, valid until the next call
  Result<std::span<const float>> run(std::span<const float> log_mel);

  /// What it was run on: normalised features [frames, 128].
  std::span<const float> features() { return run_.input(0); }

 private:
  EncoderRun(runtime::BoundRun run, FeatureScale features)
      : run_(std::move(run)), features_(features) {}
  runtime::BoundRun run_;
  FeatureScale features_;
};

}  // namespace wakebuilder::pipeline
