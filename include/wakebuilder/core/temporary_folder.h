// A folder that goes away with all that is in it.
#pragma once

#include <filesystem>
#include <string>

#include "wakebuilder/core/result.h"

namespace wakebuilder::core {

/// Made in the system's folder for temporary files, for this user alone.
class TemporaryFolder {
 public:
  /// @param name  what its name begins with: "wakebuilder-profile-". Errors: kIo.
  static Result<TemporaryFolder> make(const std::string& name);

  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&& other) noexcept;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  /// Before the end of its scope.
  void remove() noexcept;

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;  ///< "" when it has gone
};

}  // namespace wakebuilder::core
