// What the program wakebuilder-train is told, in a JSON file, and what it answers, in lines of JSON
// (docs/training.md, "The training program").
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"
#include "wakebuilder/model/compact.h"
#include "wakebuilder/model/head.h"

#include "train/options.h"

namespace wakebuilder::train {

/// Which network's head is trained.
enum class JobGraph { kCompact, kHead };

/// Training of backbone and head together, after the head's.
struct FineTuning {
  std::filesystem::path backbone;  ///< .safetensors: `conv_0.weight`, ..., and `bridge` [128, 32]
  HeadOptions options;
};

/// One training of a head.
struct Job {
  std::filesystem::path data;     ///< .safetensors: `tokens`, `labels`, perhaps `windows`, and the
                                  ///< same with `validation_` before
  std::filesystem::path output;   ///< .safetensors: the weights
  std::filesystem::path state{};  ///< .safetensors, to go on from; "": none is written
  bool resume = false;            ///< go on from `state` if it is there
  std::filesystem::path start{};  ///< .safetensors: a head for fine-tuning; "": it is trained first
  JobGraph graph = JobGraph::kCompact;
  model::CompactConfig config{};
  model::HeadConfig head_config{};  ///< of the graph kHead
  HeadOptions options{};
  std::optional<FineTuning> fine_tuning{};
};

/// Reads a job; what is missing in "config" and "options" has its default, and in "fine_tune" the
/// number of "options", but for steps, rate, batch and warm_up. Errors: kCorrupt for text that is
/// no JSON object; kInvalidArgument for a missing file name, an unknown key, a value of another
/// type or out of range, keys that do not go together.
Result<Job> parse_job(const std::string& json);

/// What makes a training this one: a state is only gone on from when all of it is the same. The
/// network: {"graph", "width", ...}; the options: {"rate", ...}, without steps, threads, and how
/// often something is told or saved.
core::Value identity_of(const Job& job);
core::Value identity_of(const HeadOptions& options);

}  // namespace wakebuilder::train
