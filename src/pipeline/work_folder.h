// What is kept between a training that was stopped and the next.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/temporary_folder.h"

namespace wakebuilder::pipeline {

/// Windows, the job of the training program and its states: a folder of the cache, where there is
/// one, else a temporary one.
class WorkFolder {
 public:
  struct Options {
    std::string key;  ///< of all that a training depends on
    bool use_cache = true;
    bool resume = false;  ///< what is there is used, else it is removed
  };

  /// @param name  of the model
  /// Errors: kInvalidArgument to resume without a cache; kNotFound and kMismatch when there is
  /// nothing to resume from, or something with another key; kIo.
  static Result<WorkFolder> open(const std::string& name, const Options& options);

  std::filesystem::path windows() const { return path_ / "windows.safetensors"; }
  std::filesystem::path head() const { return path_ / "head.safetensors"; }
  std::filesystem::path state() const { return path_ / "state.safetensors"; }
  std::filesystem::path backbone() const { return path_ / "backbone.safetensors"; }
  std::filesystem::path fine_tuning_windows() const {
    return path_ / "fine_tuning_windows.safetensors";
  }
  std::filesystem::path fine_tuning_state() const {
    return path_ / "fine_tuning_state.safetensors";
  }
  std::filesystem::path fine_tuned() const { return path_ / "fine_tuned.safetensors"; }
  std::filesystem::path job() const { return path_ / "job.json"; }

  void remove();

 private:
  explicit WorkFolder(std::filesystem::path path) : path_(std::move(path)) {}

  Result<WorkFolder> prepared(const Options& options);

  std::filesystem::path path_;
  std::optional<core::TemporaryFolder> temporary_;
};

}  // namespace wakebuilder::pipeline
