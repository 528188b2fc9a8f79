// Programs that stand in for engines.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/temporary_folder.h"

namespace wakebuilder::test {

/// A folder of scripts that is the first in PATH, or the only one, while it lives.
class Programs {
 public:
  explicit Programs(bool only = false) : path_(std::getenv("PATH")) {
    ::setenv("PATH", (folder_.path().string() + (only ? "" : ":" + path_)).c_str(), 1);
  }
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;
  ~Programs() { ::setenv("PATH", path_.c_str(), 1); }

  /// A script of /bin/sh.
  void add(const std::string& name, const std::string& script) const {
    write(folder_ / name, "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(folder_ / name, std::filesystem::perms::owner_all);
  }

  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  TemporaryFolder folder_;
  std::string path_;
};

}  // namespace wakebuilder::test
