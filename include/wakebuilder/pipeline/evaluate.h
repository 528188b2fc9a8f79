// How good models are on recordings: misses at rates of false accepts (docs/evaluation.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/pipeline/error_rates.h"
#include "wakebuilder/pipeline/listen.h"

namespace wakebuilder::pipeline {

struct EvaluateOptions {
  std::vector<std::filesystem::path> positive{};  ///< folders or files with the wake word
  std::vector<std::filesystem::path> negative{};  ///< and without it
  std::vector<double> false_accepts_per_hour = {0.5, 1, 2, 5, 10};
  std::optional<double> snr_db{};  ///< speech over noise, -50 to 100; nothing: no noise
  std::uint64_t seed = 1;          ///< of the noise
  std::size_t threads = 0;         ///< 0: one for each core
  ListenOptions listen{};
};

/// What came of one folder, the folders below it included.
struct FolderResult {
  std::filesystem::path folder;
  bool positive = false;
  std::size_t clips = 0;
  double hours = 0;
  /// One per wanted rate, at the threshold of all negatives: of positives the share that is
  /// missed, of negatives false accepts per hour.
  std::vector<double> rates;
};

struct ClipScore {
  std::filesystem::path file;
  double time_s = 0;  ///< end of the window, from the begin of the file; 0 for missed clips
  double score = 0;   ///< smoothed probability
};

struct ModelEvaluation {
  std::string model;
  std::vector<OperatingPoint> points;  ///< one per wanted rate; scores are smoothed probabilities
  double auc = 0;
  double eer = 0;
  std::vector<FolderResult> folders;
  std::vector<ClipScore> false_accepts;  ///< at the greatest wanted rate, the highest first
  std::vector<ClipScore> missed;         ///< at 1 false accept per hour, the lowest first
  std::vector<OperatingPoint> curve;     ///< 0.1 to 100 false accepts per hour
};

struct SkippedFile {
  std::filesystem::path file;
  std::string reason;
};

struct EvaluateReport {
  std::size_t positives = 0;  ///< clips that were heard
  std::size_t negatives = 0;
  double negative_hours = 0;
  std::size_t duplicates = 0;  ///< files with the bytes of another one, left out
  std::optional<double> snr_db;
  std::uint64_t seed = 1;
  std::vector<SkippedFile> skipped;  ///< files that cannot be read
  std::vector<ModelEvaluation> models;
  std::vector<ListenMode> modes;  ///< how each model listened
};

/// Called after each clip, from one thread at a time.
using EvaluateObserver = std::function<void(std::size_t done, std::size_t all)>;

/// Lets models hear all recordings (WAV, FLAC, Ogg, MP3) in and below the folders, and counts. The
/// results do not depend on the number of threads. A file of more than a minute is decoded twice,
/// with noise three times, and never held whole.
///
/// Errors: kInvalidArgument for no folder or model, an SNR that is no number in its range, rates
/// that are not above 0; kNotFound for a folder that is not there or without recordings; kCorrupt
/// when no clip of a side can be read; those of listen().
Result<EvaluateReport> evaluate(std::span<const ListenTarget> targets,
                                const EvaluateOptions& options,
                                const EvaluateObserver& observer = {});

}  // namespace wakebuilder::pipeline
