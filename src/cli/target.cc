#include "cli/target.h"

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::cli {

namespace fs = std::filesystem;

bool names_file(const std::string& target) {
  const fs::path path(target);
  const std::string ending = path.extension().string();
  std::error_code error;
  return fs::is_regular_file(path, error) || path.has_parent_path() || ending == ".onnx" ||
         ending == ".pt" || ending == ".pth" || ending == ".bin" || ending == ".safetensors";
}

Result<std::string> registry_name(const std::string& target, const std::string& model) {
  if (!model.empty() && !target.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "expected a file or name, or --model NAME, found both");
  }
  if (!model.empty()) return model;
  return names_file(target) ? std::string() : target;
}

Result<pipeline::RegistryEntry> find_exported(const fs::path& registry, const std::string& name) {
  WAKEBUILDER_TRY(auto entry, pipeline::Registry(registry).find(name));
  if (entry.has_onnx) return entry;
  return fail(ErrorCode::kNotFound, core::shown(entry.onnx) +
                                        ": no such file; wakebuilder export " +
                                        core::quote(entry.name) + " makes it");
}

Result<pipeline::ListenTarget> listen_target(const fs::path& registry, const std::string& target) {
  if (names_file(target)) return pipeline::ListenTarget{.name = {}, .file = target};
  WAKEBUILDER_TRY(auto entry, find_exported(registry, target));
  return pipeline::ListenTarget{.name = std::move(entry.name), .file = std::move(entry.onnx)};
}

}  // namespace wakebuilder::cli
