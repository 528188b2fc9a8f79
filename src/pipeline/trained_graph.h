// What is trained: a network whose larger part is frozen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"
#include "wakebuilder/model/classifier.h"
#include "wakebuilder/pipeline/training_record.h"
#include "wakebuilder/runtime/onnxruntime.h"

#include "pipeline/frozen_encoder.h"
#include "pipeline/held_out.h"
#include "pipeline/training_corpus.h"

namespace wakebuilder::pipeline {

/// What a trained network is judged by.
struct HeldOutMaterial {
  const TrainingCorpus& corpus;
  std::filesystem::path windows;  ///< .safetensors with `validation_tokens` and the labels
  std::uint64_t windows_seed;     ///< of the validation windows
};

class TrainedGraph {
 public:
  virtual ~TrainedGraph() = default;

  /// What windows are put through.
  virtual const FrozenEncoder& encoder() const = 0;

  /// Windows to learn from for each one to validate.
  virtual std::size_t windows_per_validated() const = 0;

  /// The keys `graph` and `config` of a job (docs/training.md, "The training program").
  virtual core::Dict job() const = 0;

  /// The frozen part, as fine-tuning takes it; nothing where that cannot be trained.
  virtual std::optional<core::Value> backbone() const = 0;

  /// All tensors of the network by their names, those of `learned`, a dict, among them. Errors:
  /// kMismatch when a weight of the head was not learned.
  virtual Result<model::NamedTensors> tensors(const core::Value& learned) const = 0;

  /// How the network scores what it has not learned from. Errors: those of sessions; kIo "stopped".
  virtual Result<HeldOutScores> score(const model::NamedTensors& tensors,
                                      const HeldOutMaterial& material,
                                      const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                                      const HeldOutOptions& options) const = 0;

  /// Fills in what the record says about the network itself.
  virtual void describe(const model::NamedTensors& tensors, TrainingRecord& record) const = 0;

  /// What goes into NAME.pt.
  virtual core::Value checkpoint(const model::NamedTensors& tensors,
                                 const TrainingRecord& record) const = 0;

 protected:
  TrainedGraph() = default;
  TrainedGraph(const TrainedGraph&) = default;
  TrainedGraph& operator=(const TrainedGraph&) = default;
};

/// The tensors as a dict, and how many numbers they have.
core::Dict to_dict(const model::NamedTensors& tensors);
std::size_t numbers_in(const model::NamedTensors& tensors);

}  // namespace wakebuilder::pipeline
