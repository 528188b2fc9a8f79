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
  std::vector<int> threads{};           ///< empty: one, and all physical cores
  std::vector<std::int64_t> batches{};  ///< empty: 1, and 8 where the batch is dynamic
  /// Of each measurement at the most, but at least 3 runs; less where the median stays the same.
  double seconds = 2;
  runtime::SessionOptions session{};  ///< providers
  std::filesystem::path onnxruntime{};
};

/// The model as it is in its file, run again and again on noise.
struct BenchRow {
  std::string model;
  std::string precision;  ///< "float32", as its metadata say
  std::string provider;   ///< that runs most nodes: "cpu"
  int threads = 1;
  std::int64_t batch = 1;
  std::uint64_t runs = 0;
  double median_us = 0;  ///< wall time of a run
  double p99_us = 0;
  double cpu_us = 0;    ///< processor time of a run, of all threads, the mean
  bool stable = false;  ///< the medians of the four quarters of the runs are within 2 %
  /// Peak resident memory (ru_maxrss) of a process that does only this, ONNX Runtime included.
  std::uint64_t rss_bytes = 0;
};

/// The model as `wakebuilder detect` listens with it, features included, on one thread, in pieces
/// of 40 ms.
struct LiveRow {
  bool stream = false;
  std::string provider;       ///< that runs most nodes of the first model
  double first_score_ms = 0;  ///< from nothing, sound at hand: loading ONNX Runtime and the model
  double ms_per_second_of_audio = 0;  ///< wall time, the median
  double cpu_ms_per_s = 0;            ///< processor time per second of sound, the mean
  double real_time = 0;               ///< seconds of sound in a second of wall time
  bool stable = false;                ///< as BenchRow::stable
  std::uint64_t rss_bytes = 0;        ///< as BenchRow::rss_bytes
};

struct BenchReport {
  std::vector<BenchRow> rows;
  std::optional<LiveRow> live;         ///< of models that hear sound
  std::vector<std::string> fallbacks;  ///< providers that could not be had: "cuda: not used: ..."
};

/// Called before each measurement: of so many, this is the next.
using BenchObserver = std::function<void(std::size_t next, std::size_t all)>;

/// Measures a model; each row in a child process of its own, so that memory is that of the row.
/// @pre the process has no other threads that hold locks (it is forked)
/// Errors: kInvalidArgument for threads outside 1 to 256, batches outside 1 to 1024, seconds
/// outside 0.01 to 600; those of onnx::read_model; kMismatch for a batch that the model does not
/// take; those of Session::open, with the file's name; kIo when a process cannot be made, or dies.
Result<BenchReport> bench(const std::filesystem::path& model, const BenchOptions& options = {},
                          const BenchObserver& observer = {});

}  // namespace wakebuilder::pipeline
