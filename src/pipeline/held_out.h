// How a trained network scores speech that it has not learned from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/corpus/bank.h"
#include "wakebuilder/corpus/pieces.h"
#include "wakebuilder/model/load_compact.h"
#include "wakebuilder/pipeline/error_rates.h"
#include "wakebuilder/pipeline/training_record.h"
#include "wakebuilder/runtime/onnxruntime.h"

namespace wakebuilder::pipeline {

/// What is listened to.
struct HeldOutSpeech {
  std::vector<corpus::Place> words;       ///< the wake word
  std::vector<corpus::Place> others;      ///< single words without it
  corpus::Bank bank;                      ///< for the stream without the wake word
  std::vector<corpus::Frames> negatives;  ///< the user's, as they are: log-mel frames
};

/// Takes parts of the length that `negatives` have off the front of `frames`.
void cut_into_parts(corpus::Frames& frames, std::vector<corpus::Frames>& parts);

struct HeldOutOptions {
  double hours = 2;  ///< of synthetic stream
  std::uint64_t seed = 0;
  std::size_t threads = 1;
  std::function<bool(double share)> on_progress{};  ///< false stops: kIo, "stopped"
};

/// Smoothed probabilities, as a detector has them: of a window every 160 ms, means of three logit
/// differences.
struct HeldOutScores {
  std::vector<ScoredText> words;     ///< the highest of each
  std::vector<ScoredText> others;    ///< the same
  std::vector<Trace> stream;         ///< of each part of the synthetic stream
  std::vector<ScoredText> sections;  ///< of the stream: the highest in each few seconds
  double hours = 0;                  ///< of the stream
  std::vector<Trace> own;            ///< of each part of the user's sound
  double own_hours = 0;
};

inline constexpr double kFramesPerHour = 3600 * corpus::kFramesPerSecond;

/// How many hours of everyday sound an hour of the stream stands for: it talks without a pause, a
/// third of its words are names and rare words, and sound-alikes are among them. Measured: at the
/// thresholds at which four networks for two words were wrong once an hour on recordings of people,
/// they were wrong 10, 10, 20 and 45 times an hour on it (docs/training.md).
inline constexpr double kEverydayHours = 20;

/// @param noises  that are put under what is listened to, as corpus::Augmenter takes them
/// Errors: those of sessions; kIo "stopped".
Result<HeldOutScores> score_held_out(const model::CompactClassifier& network,
                                     const HeldOutSpeech& speech,
                                     const std::vector<corpus::Frames>& noises,
                                     const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                                     const HeldOutOptions& options);

/// Chooses the threshold and fills in what the record says about it.
/// @pre there are words and a stream
void choose_threshold(const HeldOutScores& scores, double false_accepts_per_hour,
                      TrainingRecord& record);

}  // namespace wakebuilder::pipeline
