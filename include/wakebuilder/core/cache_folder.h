// Where this user's caches are.
#pragma once

#include <filesystem>
#include <string>

#include "wakebuilder/core/result.h"

namespace wakebuilder::core {

/// $XDG_CACHE_HOME/wakebuilder/NAME, else ~/.cache/wakebuilder/NAME; it may not be there yet.
/// Errors: kNotFound when neither variable has an absolute path.
Result<std::filesystem::path> cache_folder(const std::string& name);

}  // namespace wakebuilder::core
