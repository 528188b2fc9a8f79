// Pieces of speech as log-mel frames, with what is said in them; kept in a file from run to run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"

namespace wakebuilder::corpus {

inline constexpr std::size_t kBins = 128;  ///< numbers of a frame
inline constexpr double kFramesPerSecond = 100;

/// Frames [n, 128], one behind the other.
using Frames = std::vector<float>;

/// What is said in a piece.
enum class Kind {
  kWord,      ///< the wake word
  kPhrase,    ///< a phrase with the wake word in it
  kNear,      ///< a sound-alike
  kIsolated,  ///< another single word
  kRunning,   ///< running speech without the wake word
  kJumbled,   ///< the wake word in another order
};
inline constexpr std::size_t kKinds = 6;

/// "word", "phrase", "near", "isolated", "running", "jumbled".
std::string_view to_string(Kind kind);

struct Piece {
  Kind kind = Kind::kRunning;
  std::string group;  ///< of voices: "espeak-english", "flite", ...
  std::string text;   ///< what is said
};

/// Log-mel frames (natural logarithm, not normalised) of many pieces, as 16-bit numbers in steps of
/// 1/1024, less than a hundredth of a decibel: an hour takes 92 MB.
class Pieces {
 public:
  std::size_t size() const { return pieces_.size(); }
  const Piece& operator[](std::size_t index) const { return pieces_[index]; }
  /// Of one piece.
  std::size_t frames(std::size_t index) const { return ends_[index + 1] - ends_[index]; }
  /// Of all.
  std::size_t frames() const { return ends_.back(); }

  /// @param frames  [n, 128], n >= 1. Values from -32 to 32, others are cut.
  void add(Piece piece, std::span<const float> frames);

  /// The frames of one piece.
  Frames unpack(std::size_t index) const;

  /// Writes a safetensors file: `frames` [n, 128] int16, `ends` [pieces + 1] int64, and lists
  /// `kinds`, `groups`, `texts`. Errors: kIo.
  Result<void> save(const std::filesystem::path& path) const;

  /// Reads what save() wrote; the frames stay in the mapped file. Errors: those of
  /// checkpoint::read; kCorrupt when the parts do not fit together.
  static Result<Pieces> load(const std::filesystem::path& path);

 private:
  std::span<const std::int16_t> packed() const;

  std::vector<Piece> pieces_;
  std::vector<std::size_t> ends_ = {0};
  std::vector<std::int16_t> values_;  ///< of what was added
  core::Tensor mapped_;               ///< of what was loaded; nothing can be added then
  bool is_mapped_ = false;
};

/// One piece of many.
struct Place {
  std::shared_ptr<const Pieces> pieces;
  std::size_t index = 0;

  const Piece& piece() const { return (*pieces)[index]; }
  std::size_t frames() const { return pieces->frames(index); }
  Frames unpack() const { return pieces->unpack(index); }
};

}  // namespace wakebuilder::corpus
