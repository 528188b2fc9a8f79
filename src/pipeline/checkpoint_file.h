// A checkpoint's state dict and the file it lies in.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/result.h"

namespace wakebuilder::pipeline {

struct CheckpointFile {
  checkpoint::StateDict state;
  checkpoint::Format format;
  std::string sha256;  ///< of the whole file
  std::shared_ptr<const core::MappedFile> mapped;
};

/// Errors: those of checkpoint::read and checkpoint::find_state_dict, with the file's name in
/// front.
Result<CheckpointFile> read_checkpoint_file(const std::filesystem::path& path);

}  // namespace wakebuilder::pipeline
