// This user's caches. A cache is a help and no duty: what cannot be read or written is as none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "wakebuilder/core/result.h"

namespace wakebuilder::core {

/// $XDG_CACHE_HOME/wakebuilder/NAME, else ~/.cache/wakebuilder/NAME; it may not be there yet.
/// Errors: kNotFound when neither variable has an absolute path.
Result<std::filesystem::path> cache_folder(const std::string& name);

/// The same, made where it is not there; "" when it cannot be made.
std::filesystem::path made_cache_folder(const std::string& name);

/// Removes the longest unused files of a folder until they take no more than this.
void shrink_cache(const std::filesystem::path& folder, std::uint64_t max_bytes);

}  // namespace wakebuilder::core
