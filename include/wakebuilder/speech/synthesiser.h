// Many utterances, said by many voices at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "wakebuilder/core/parallel.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/speech/voice.h"

namespace wakebuilder::speech {

/// One utterance and who says it.
struct Job {
  VoicePointer voice;
  Utterance utterance;
};

struct SynthesisProgress {
  std::size_t done = 0;
  std::size_t all = 0;
  std::optional<double> seconds_left;  ///< nothing until there is something to go by
};

struct SynthesisOptions {
  std::size_t threads = core::usual_threads();
  std::chrono::milliseconds utterance_limit = kUtteranceLimit;
  /// Called after each piece of work, by one thread at a time.
  std::function<void(const SynthesisProgress&)> on_progress{};
  /// Looked at between pieces of work; when true, what is not yet said is left: kIo, "stopped".
  std::function<bool()> is_stopped{};
};

/// Says all jobs. Results are in the order of the jobs and do not depend on the number of threads:
/// each is the rendering, or why there is none. A child that hangs or dies costs its own utterance
/// only.
std::vector<Rendering> synthesise(std::span<const Job> jobs, const SynthesisOptions& options = {});

/// The same for more sound than fits into memory: calls receive(index, rendering) once for each
/// job, in order, by one thread at a time. What is done early waits for what is before it.
void synthesise_each(std::span<const Job> jobs, const SynthesisOptions& options,
                     const std::function<void(std::size_t, Rendering)>& receive);

}  // namespace wakebuilder::speech
