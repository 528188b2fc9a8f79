// A detector whose detections wait until they are asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/pipeline/listen.h"
#include "wakebuilder/runtime/detector.h"

namespace wakebuilder::capi {

/// A detection that waits.
struct Heard {
  std::size_t model = 0;  ///< index of the models that were opened
  double time_s = 0;
  double score = 0;
};

/// What wakebuilder.h promises, in C++. Not thread-safe.
class QueuedDetector {
 public:
  /// Errors: those of pipeline::listen.
  static Result<QueuedDetector> open(std::span<const pipeline::ListenTarget> models,
                                     const pipeline::ListenOptions& options);

  /// Give how many detections wait. Errors: those of runtime::Detector; kInvalidArgument after the
  /// end and after an error, until reset().
  Result<int> push(std::span<const float> samples);
  Result<int> push(std::span<const std::int16_t> samples);
  Result<int> finish();

  void reset();

  /// The oldest that waits. @pre has_waiting()
  Heard take();
  bool has_waiting() const { return !waiting_.empty(); }

  std::uint64_t samples() const { return detector_.samples(); }
  std::uint64_t dropped() const { return dropped_; }
  const std::vector<std::string>& remarks() const { return remarks_; }

  /// Errors of these: kInvalidArgument for a model that was not opened.
  Result<const runtime::WakeWord*> word(std::size_t model) const;
  Result<double> score(std::size_t model) const;

 private:
  enum class State { kListening, kFinished, kBroken };

  explicit QueuedDetector(pipeline::Listening listening);

  Result<void> expect_listening() const;
  Result<void> expect_model(std::size_t model) const;
  Result<void> hear(std::span<const float> samples);
  void queue(const std::vector<runtime::Detection>& detections);
  int waiting() const { return static_cast<int>(waiting_.size()); }

  runtime::Detector detector_;
  std::vector<std::string> remarks_;
  std::vector<std::size_t> word_of_model_;  ///< the detector sorts words by the graph they are in
  std::vector<std::size_t> model_of_word_;
  std::vector<double> scores_;  ///< of each model, the newest
  std::deque<Heard> waiting_;
  std::uint64_t dropped_ = 0;
  State state_ = State::kListening;
};

}  // namespace wakebuilder::capi
