// The file that a training which was stopped goes on from: safetensors, written in one step.
//
//   format    "wakebuilder-train 1"
//   phase     "head" or "fine_tune"
//   identity  {"graph", "width", "rate", "data", ...}: what must be the same to go on
//   training  what train/training.h keeps
//   history   the lines of the validations so far
//   random    torch's random generator, bytes
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::train {

struct JobState {
  std::string phase{};
  core::Value identity = core::Dict{};
  core::Value training = core::Dict{};
  core::List history{};
  core::Tensor random{};
};

/// Errors: kIo.
Result<void> write_state(const std::filesystem::path& path, const JobState& state);

/// Nothing when there is no such file. Errors: those of checkpoint::read; kCorrupt for a file that
/// holds something else.
Result<std::optional<JobState>> read_state(const std::filesystem::path& path);

/// Errors: kMismatch, which names the first number that differs, expected and found.
Result<void> check_same(const core::Value& expected, const core::Value& found);

}  // namespace wakebuilder::train
