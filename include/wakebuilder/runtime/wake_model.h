// A model that listens: a session, and how it is fed and understood.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/runtime/session.h"

namespace wakebuilder::runtime {

inline constexpr std::int64_t kWindowFrames = 160;  ///< of a score, by default: 1.6 s
inline constexpr std::int64_t kHopFrames = 16;      ///< between two scores, by default: 160 ms

/// How a model hears.
struct Hearing {
  bool waveform = false;  ///< samples in, instead of features
  bool stream = false;    ///< the step of one hop, instead of a whole window
  std::int64_t window_frames = kWindowFrames;
  std::int64_t hop_frames = kHopFrames;
  /// Rows of the input of a whole window: what is behind the window is padding. Samples of a
  /// waveform, else frames.
  std::int64_t declared_rows = kWindowFrames;
  std::int64_t warm_up_hops = 0;  ///< of a stream: score k comes with hop k + warm_up_hops
  double feature_mean = -4.2677393;
  double feature_std = 4.5689974;

  friend bool operator==(const Hearing&, const Hearing&) = default;
};

/// When a wake word counts as heard.
struct Decision {
  double threshold = 0.5;     ///< probability, of the mean of `smoothing` scores
  std::size_t smoothing = 3;  ///< scores in a mean; fewer at the begin of a stream
  double refractory_s = 1;    ///< after a detection the next one comes no sooner

  friend bool operator==(const Decision&, const Decision&) = default;
};

/// A wake word that a model listens for.
struct WakeWord {
  std::string model;      ///< what detections are told apart by: "jarvis"
  std::string wake_word;  ///< what people say: "hey jarvis"
  Decision decision{};
};

/// What takes the place of a model's own settings.
struct WakeOverrides {
  std::optional<double> threshold{};
  std::optional<std::size_t> smoothing{};
  std::optional<double> refractory_s{};
  std::optional<std::int64_t> window_frames{};  ///< a stream has its own
  std::optional<std::int64_t> hop_frames{};
};

/// Errors: kInvalidArgument for a threshold outside 0 to 1, a smoothing outside 1 to 100, a
/// refractory time outside 0 to 3600 s, a window outside 1 to 3000 frames, a hop outside 1 to the
/// window.
Result<void> check(const WakeOverrides& overrides);

/// What a model's metadata say of its wake word: wake_word (else `name`), threshold, smoothing,
/// refractory_s. Errors: kMismatch for what is no number or out of range; kInvalidArgument as
/// check().
Result<WakeWord> wake_word(std::span<const std::pair<std::string, std::string>> metadata,
                           const std::string& name, const WakeOverrides& overrides = {});

/// A session and the wake words that it listens for.
struct WakeModel {
  Session session;
  Hearing hearing{};
  std::string output = "logits";  ///< [words, 2]: a row for each word; class 1 is the wake word
  std::vector<WakeWord> words{};
};

/// Understands a model with the tensors of docs/formats/onnx.md, made by us or not: `input_values`
/// [batch, frames, 128] or `waveform` [batch, samples] in, `logits` [batch, 2] out. Its metadata
/// says the rest (threshold, window_frames, hop_frames, smoothing, refractory_s, feature_mean,
/// feature_std, the states of a stream); what is missing there has the defaults above.
/// `name` tells its detections apart.
///
/// Errors: kUnsupported for other inputs or outputs (a head hears embeddings, no sound), kMismatch
/// for metadata that is no number or out of range, for a window that does not fit the input, for
/// another window or hop than a stream has; kInvalidArgument as check().
Result<WakeModel> understand(Session session, const std::string& name,
                             const WakeOverrides& overrides = {});

}  // namespace wakebuilder::runtime
