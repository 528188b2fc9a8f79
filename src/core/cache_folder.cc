#include "wakebuilder/core/cache_folder.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <vector>

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

fs::path made_cache_folder(const std::string& name) {
  const auto folder = cache_folder(name);
  if (!folder) return {};
  std::error_code error;
  fs::create_directories(*folder, error);
  return error ? fs::path() : *folder;
}

void shrink_cache(const fs::path& folder, std::uint64_t max_bytes) {
  struct Kept {
    fs::file_time_type used;
    fs::path path;
    std::uint64_t bytes;
  };
  std::vector<Kept> files;
  std::uint64_t all = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code gone;  // another process removes as well
    if (!entry.is_regular_file(gone)) continue;
    Kept file{entry.last_write_time(gone), entry.path(), entry.file_size(gone)};
    if (gone) continue;
    all += file.bytes;
    files.push_back(std::move(file));
  }
  std::ranges::sort(files, {}, &Kept::used);
  for (const Kept& file : files) {
    if (all <= max_bytes) return;
    if (fs::remove(file.path, error)) all -= file.bytes;
  }
}

}  // namespace wakebuilder::core
