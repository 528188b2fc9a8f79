// Many pieces of speech as log-mel frames, to draw from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/corpus/random.h"

namespace wakebuilder::corpus {

inline constexpr std::size_t kBins = 128;  ///< numbers of a frame

/// What is said in a piece.
enum class Kind {
  kWord,      ///< the wake word
  kPhrase,    ///< a phrase with the wake word in it
  kNear,      ///< a sound-alike
  kIsolated,  ///< another single word
  kRunning,   ///< running speech without the wake word
};
inline constexpr std::size_t kKinds = 5;

/// Frames [n, 128], one behind the other.
using Frames = std::vector<float>;

/// Log-mel frames (natural logarithm, not normalised) of many pieces. Kept as 16-bit numbers in
/// steps of 1/1024, a thousandth of what a decibel is: an hour takes 92 MB. Pieces are drawn by
/// their group of voices first, as each group weighs, then within it.
class Bank {
 public:
  /// @param frames  [n, 128], n >= 1. Values from -32 to 32, others are cut.
  /// @param group   of voices: "espeak", "flite", ...; each piece is as likely as its group weighs,
  ///                shared among the pieces of kind and group
  void add(Kind kind, const std::string& group, std::span<const float> frames);

  /// @param weight  of the group, at least 0; 1 for groups that are not named
  void set_weight(const std::string& group, double weight);

  /// Pieces of a kind with at most `most_frames`.
  std::size_t count(Kind kind) const;
  std::uint64_t frames() const { return values_.size() / kBins; }

  /// A piece of a kind. @pre count(kind) > 0, else std::logic_error
  Frames draw(Kind kind, Random& random) const;

 private:
  struct Piece {
    std::size_t begin, end;  ///< frames
  };
  struct Group {
    std::string name;
    std::vector<Piece> pieces;
  };

  std::vector<std::int16_t> values_;
  std::array<std::vector<Group>, kKinds> groups_;
  std::vector<std::pair<std::string, double>> weights_;
};

}  // namespace wakebuilder::corpus
