// What the user names: a file, or a model of the registry.
#pragma once

#include <filesystem>
#include <string>

#include "wakebuilder/core/result.h"
#include "wakebuilder/pipeline/listen.h"
#include "wakebuilder/pipeline/registry.h"

namespace wakebuilder::cli {

/// What looks like a file is one, there or not; all else is a name of the registry.
bool names_file(const std::string& target);

/// The name of --model, or else the target when it is no file; "" for a file.
/// Errors: kInvalidArgument when both are given.
Result<std::string> registry_name(const std::string& target, const std::string& model);

/// A model of the registry with its .onnx. Errors: those of Registry::find; kNotFound with the
/// command that makes it, when it was never exported.
Result<pipeline::RegistryEntry> find_exported(const std::filesystem::path& registry,
                                              const std::string& name);

/// A model to listen with: an .onnx, or a name. Errors: as find_exported().
Result<pipeline::ListenTarget> listen_target(const std::filesystem::path& registry,
                                             const std::string& target);

}  // namespace wakebuilder::cli
