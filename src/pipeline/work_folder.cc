#include "pipeline/work_folder.h"

#include <system_error>
#include <utility>

#include "wakebuilder/core/cache_folder.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::pipeline {

namespace fs = std::filesystem;

Result<WorkFolder> WorkFolder::open(const std::string& name, const Options& options) {
  const fs::path cache = options.use_cache ? core::made_cache_folder("training") : fs::path();
  if (!cache.empty()) return WorkFolder(cache / name).prepared(options);
  if (options.resume) {
    return fail(ErrorCode::kInvalidArgument,
                "expected a cache to resume from, found none; leave --no-cache out");
  }
  WAKEBUILDER_TRY(auto folder, core::TemporaryFolder::make("wakebuilder-train-"));
  WorkFolder work(folder.path());
  work.temporary_ = std::move(folder);
  return work;
}

Result<WorkFolder> WorkFolder::prepared(const Options& options) {
  const fs::path file = path_ / "key";
  const auto found = core::read_text(file);
  if (options.resume && !found) {
    return fail(ErrorCode::kNotFound,
                core::shown(path_) + ": expected a training that was stopped, found none");
  }
  if (options.resume && *found != options.key) {
    return fail(ErrorCode::kMismatch,
                core::shown(path_) +
                    ": expected a training with the same options, found another; leave "
                    "--resume out to begin anew");
  }
  if (!options.resume) remove();
  std::error_code error;
  fs::create_directories(path_, error);
  WAKEBUILDER_CHECK(core::write_file(file, options.key));
  return std::move(*this);
}

void WorkFolder::remove() {
  std::error_code error;
  fs::remove_all(path_, error);
}

}  // namespace wakebuilder::pipeline
