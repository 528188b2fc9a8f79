// The user's own sounds: recordings of the wake word, and hours without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/corpus/pieces.h"

namespace wakebuilder::corpus {

/// A recording of the wake word: WAV, FLAC, Ogg or MP3. Returns the word's log-mel frames [n, 128]
/// as find_word() gives them, what is said at kClipLevel.
///
/// Errors, each a sentence with the file in front: those of audio::load_audio, at most 10 minutes;
/// kInvalidArgument when what is loud in it is shorter than 0.2 s or spans more than 5 s, when it
/// is silent (no sample above 1/1000), when more than 1 % of what is left are at full scale, and
/// when what is loud is less than 6 dB above what is quiet, so that nobody speaks.
Result<Frames> read_word_recording(const std::filesystem::path& path);

/// The recordings that are named and those in folders that are named (audio::find_recordings),
/// sorted. What is there twice, also by another path or a symbolic link, is listed once.
/// Errors: kNotFound for what is not there and for a folder without recordings.
Result<std::vector<std::filesystem::path>> list_recordings(
    std::span<const std::filesystem::path> paths);

struct NegativeOptions {
  double most_hours = 4;      ///< 0.05 to 1000
  double piece_seconds = 20;  ///< 1 to 60: about
  std::uint64_t seed = 0;     ///< of the choice, where there is more than `most_hours`
};

struct SkippedRecording {
  std::filesystem::path file;
  std::string reason;  ///< a sentence with the file in front
};

/// What came of recordings.
struct NegativeSummary {
  std::size_t files = 0;   ///< that can be read
  std::size_t pieces = 0;  ///< given
  double hours = 0;        ///< given
  double hours_found = 0;  ///< in files that can be read
  std::vector<SkippedRecording> skipped;
};

/// Takes a piece: 16 kHz mono within +-1, valid until it returns. An error ends the stream.
using TakeNegative =
    std::function<Result<void>(std::span<const float> samples, const std::filesystem::path& file)>;

/// Gives recordings without the wake word, file by file in pieces of about `piece_seconds`: a file
/// is cut into equal pieces of two thirds to three halves of that; a shorter one is a piece of its
/// own. Where there are more than `most_hours`, each piece has the same chance, and never more than
/// `most_hours` are given. Memory: some pieces, however long the recordings are.
///
/// Each piece is brought to kClipLevel (audio::SpeechLevel::active_rms) and cut at full scale; a
/// quiet one is not amplified by more than 20 dB, so that silence stays silence.
///
/// Files that cannot be read and those of less than 0.1 s are skipped and reported. A file that is
/// damaged further on is reported as well; what comes before the damage is used. Behind the last
/// piece that is wanted nothing is read.
///
/// Files are decoded once, and MP3 and what does not say its length once more to find it.
///
/// @param paths  as list_recordings()
/// Errors: kInvalidArgument for options out of range; those of list_recordings(); kCorrupt when no
/// file can be read, with the reason of the first; those of `take`.
Result<NegativeSummary> stream_negatives(std::span<const std::filesystem::path> paths,
                                         const NegativeOptions& options, const TakeNegative& take);

}  // namespace wakebuilder::corpus
