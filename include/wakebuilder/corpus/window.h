// Windows that a head learns from, composed of pieces of speech.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "wakebuilder/corpus/bank.h"
#include "wakebuilder/corpus/random.h"

namespace wakebuilder::corpus {

/// A range that is drawn from evenly.
struct Range {
  double least, most;
};

/// How windows are composed (docs/training.md). Shares of all windows, and then of those without
/// the wake word; what is left over is running speech.
struct WindowOptions {
  std::int64_t frames = 160;
  double with_word = 0.40;
  double phrases = 0.15;  ///< of those with the word: inside a phrase
  double near = 0.22;     ///< of the others
  double isolated = 0.15;
  double parts = 0.12;         ///< a part of the wake word
  double quiet = 0.07;         ///< noise only
  double jumbled = 0.08;       ///< the wake word in another order, where the bank has some
  Range part = {0.25, 0.6};    ///< of the wake word
  double context = 0.45;       ///< other speech on either side of a word
  double careful = 0.5;        ///< words with lengthened minima of energy
  double lengthened = 0.6;     ///< of the minima of those
  Range tempo = {0.75, 1.30};  ///< frames out of frames in
  Range phrase_tempo = {0.8, 1.15};
  double rhythm_share = 0.6;  ///< words whose tempo changes
  Range rhythm = {0.55, 1.7};
};

/// What a window holds.
struct Composition {
  int label = 0;           ///< 1: the whole wake word
  bool is_single = false;  ///< about one word, phrase or part; else running speech, or noise alone
  /// Frames before the word, of a window that is about one; of others all.
  std::int64_t before = 0;
  std::string text;  ///< for people: "word: jarvis", "part: jarvis", "running: turn the light on"
};

/// Composes windows in the log-mel domain, without noise. Thread-safe: all that changes is in the
/// random numbers.
class WindowComposer {
 public:
  /// @pre the bank has words, sound-alikes, isolated words and running speech, and outlives this
  WindowComposer(const Bank& bank, const WindowOptions& options) : bank_(bank), options_(options) {}

  /// Fills a window [frames, 128] that holds silence (audio::kLogMelFloor).
  Composition compose(std::span<float> window, Random& random) const;

 private:
  Frames stretched(Frames piece, const Range& tempo, std::int64_t most, Random& random) const;
  std::int64_t place(std::span<float> window, const Frames& piece, Random& random) const;
  void add_context(std::span<float> window, std::int64_t begin, std::int64_t end, bool before,
                   Random& random) const;
  Composition compose_part(std::span<float> window, Random& random) const;
  Composition compose_running(std::span<float> window, Random& random) const;

  const Bank& bank_;
  WindowOptions options_;
};

/// The local minima of a word's energy (stop closures, borders of syllables) last 1 to 8 frames
/// longer, each with this probability: as people speak to a machine.
Frames with_gaps(const Frames& piece, double probability, Random& random);

/// Resampled over time to `frames`, at a speed that changes smoothly through four random knots in
/// `rhythm`; {1, 1} is even.
Frames warped(const Frames& piece, std::int64_t frames, const Range& rhythm, Random& random);

}  // namespace wakebuilder::corpus
