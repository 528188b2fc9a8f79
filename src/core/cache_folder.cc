#include "wakebuilder/core/cache_folder.h"

#include <cstdlib>
#include <optional>

namespace wakebuilder::core {
namespace {

namespace fs = std::filesystem;

/// An absolute path in a variable of the environment; the XDG base directory specification ignores
/// others.
std::optional<fs::path> folder_in(const char* variable) {
  const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr || value[0] != '/') return std::nullopt;
  return fs::path(value);
}

}  // namespace

Result<fs::path> cache_folder(const std::string& name) {
  const fs::path below = fs::path("wakebuilder") / name;
  if (const auto cache = folder_in("XDG_CACHE_HOME")) return *cache / below;
  if (const auto home = folder_in("HOME")) return *home / ".cache" / below;
  return fail(ErrorCode::kNotFound,
              "expected XDG_CACHE_HOME or HOME with the path of a folder, found neither");
}

}  // namespace wakebuilder::core
