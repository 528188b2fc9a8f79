// How fast a model runs on this machine, and what it takes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/runtime/session.h"

namespace wakebuilder::pipeline {

struct BenchOptions {
  std::vector<int> threads{};           ///< empty: one, and all cores
  std::vector<std::int64_t> batches{};  ///< empty: 1, and 8 where the batch is dynamic
  double seconds = 2;                   ///< of each measurement, at least 10 runs
  runtime::SessionOptions session{};    ///< providers
  std::filesystem::path onnxruntime{};
};

/// The model as it is in its file, run again and again on noise.
struct BenchRow {
  std::string model;
  std::string precision;  ///< "float32", as its metadata say
  std::string provider;   ///< that runs most nodes
  int threads = 1;
  std::int64_t batch = 1;
  std::uint64_t runs = 0;
  double median_us = 0;  ///< wall time of a run
  double p99_us = 0;
  double cpu_us = 0;            ///< processor time of a run, of all threads, the mean
  std::uint64_t rss_bytes = 0;  ///< peak resident memory of a process that does only this
};

/// The model as `wakebuilder detect` listens with it, features included, on one thread.
struct LiveRow {
  bool stream = false;
  double first_score_ms = 0;  ///< wall time from nothing to the first score
  double cpu_ms_per_s = 0;    ///< processor time per second of sound
  double real_time = 0;       ///< seconds of sound in a second
  std::uint64_t rss_bytes = 0;
};

struct BenchReport {
  std::vector<BenchRow> rows;
  std::optional<LiveRow> live;  ///< of models that hear sound
};

/// Called before each measurement: of so many, this is the next.
using BenchObserver = std::function<void(std::size_t next, std::size_t all)>;

/// Measures a model; each row in a child process of its own, so that memory is that of the row.
/// @pre the process has no other threads that hold locks (it is forked)
/// Errors: kInvalidArgument for threads outside 1 to 256, batches outside 1 to 1024, seconds
/// outside 0.01 to 600; kMismatch for a batch that the model does not take; those of Session::open,
/// with the file's name; kIo when a process cannot be made, or dies.
Result<BenchReport> bench(const std::filesystem::path& model, const BenchOptions& options = {},
                          const BenchObserver& observer = {});

}  // namespace wakebuilder::pipeline
