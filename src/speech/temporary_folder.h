// A folder for the files of one child process.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "wakebuilder/core/result.h"

namespace wakebuilder::speech {

/// Made in the system's folder for temporary files; removed with all that is in it.
class TemporaryFolder {
 public:
  /// Errors: kIo.
  static Result<TemporaryFolder> make() {
    std::error_code error;
    const auto base = std::filesystem::temp_directory_path(error);
    std::string pattern = (base / "wakebuilder-speech-XXXXXX").string();
    if (error || ::mkdtemp(pattern.data()) == nullptr)
      return fail(ErrorCode::kIo, "no temporary folder can be made in " + base.string());
    return TemporaryFolder(pattern);
  }

  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~TemporaryFolder() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace wakebuilder::speech
