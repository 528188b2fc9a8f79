#include "wakebuilder/core/temporary_folder.h"

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "wakebuilder/core/file.h"

namespace wakebuilder::core {

Result<TemporaryFolder> TemporaryFolder::make(const std::string& name) {
  std::error_code error;
  const auto base = std::filesystem::temp_directory_path(error);
  std::string pattern = (base / (name + "XXXXXX")).string();
  if (!error && ::mkdtemp(pattern.data()) != nullptr) return TemporaryFolder(pattern);
  const int reason = error ? error.value() : errno;
  return fail(ErrorCode::kIo, shown(pattern) + ": cannot be made a temporary folder: " +
                                  std::generic_category().message(reason));
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryFolder& TemporaryFolder::operator=(TemporaryFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TemporaryFolder::~TemporaryFolder() { remove(); }

void TemporaryFolder::remove() noexcept {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);
  path_.clear();
}

}  // namespace wakebuilder::core
