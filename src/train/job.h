// What the program wakebuilder-train is told, in a JSON file, and what it answers, in lines of JSON
// (docs/training.md, "The training program").
#pragma once

#include <filesystem>
#include <string>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

#include "train/head_training.h"

namespace wakebuilder::train {

/// One training of a head.
struct Job {
  std::filesystem::path data;    ///< .safetensors: `tokens` [n, 96, N] float32, `labels` [n] uint8
  std::filesystem::path output;  ///< .safetensors: the head's weights
  model::CompactConfig config;
  HeadOptions options;
};

/// Reads {"data", "output", "config": {...}, "options": {...}}; what is missing in the last two has
/// its default. Errors: kCorrupt for text that is no JSON object; kInvalidArgument for a missing
/// file name, an unknown key, a value of another type; as check(HeadOptions).
Result<Job> parse_job(const std::string& json);

/// {"step", "steps", "loss", "remaining_s"}
core::Value to_value(const HeadProgress& progress);

/// Reads the data, trains and writes the weights. Errors: those of checkpoint::read, train_head and
/// core::StagedFile; kMismatch for data without the two tensors.
Result<void> run(const Job& job, const HeadObserver& observer);

}  // namespace wakebuilder::train
