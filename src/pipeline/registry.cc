#include "wakebuilder/pipeline/registry.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/pipeline/report.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using core::Value;

/// In the order of search: what the user made hides what came along.
constexpr std::array<std::string_view, 2> kCategories = {"custom", "default"};

bool is_plain_name(const std::string& name) {
  return !name.empty() && name[0] != '.' &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

/// WakeBuilder's folder names: lower case, `_` for blanks.
std::string folder_name(std::string name) {
  for (char& c : name)
    c = c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

std::uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : size;
}

/// The file of the layout that the folder has; NAME.ext where it has neither.
fs::path choose(const RegistryEntry& entry, const std::string& extension,
                std::string_view source_name) {
  fs::path documented = entry.folder / (entry.name + extension);
  fs::path source = entry.folder / source_name;
  if (is_file(documented)) return documented;
  if (is_file(source)) return source;
  // The new file goes beside its kin: model.onnx to model.pt.
  return is_file(entry.folder / "model.pt") && !is_file(entry.folder / (entry.name + ".pt"))
             ? source
             : documented;
}

RegistryEntry entry_of(const fs::path& folder, std::string_view category) {
  RegistryEntry entry;
  entry.name = folder.filename().string();
  entry.category = category;
  entry.folder = folder;
  entry.checkpoint = choose(entry, ".pt", "model.pt");
  entry.metadata = choose(entry, ".json", "metadata.json");
  entry.onnx = choose(entry, ".onnx", "model.onnx");
  entry.stream = fs::path(entry.onnx).replace_extension(".stream.onnx");
  entry.has_checkpoint = is_file(entry.checkpoint);
  entry.has_metadata = is_file(entry.metadata);
  entry.has_onnx = is_file(entry.onnx);
  return entry;
}

std::vector<fs::path> subfolders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code type_error;
    const bool visible = is_plain_name(it->path().filename().string());
    if (visible && it->is_directory(type_error)) found.push_back(it->path());
  }
  std::ranges::sort(found);
  return found;
}

Result<Value> read_metadata(const RegistryEntry& entry) {
  if (!is_file(entry.metadata)) return Value(core::Dict{});  // it may be newer than the entry
  WAKEBUILDER_TRY(const auto text, core::read_text(entry.metadata));
  auto parsed = core::parse_json(text);
  const std::string where = core::shown(entry.metadata);
  if (!parsed) return fail_in(where, std::move(parsed).error());
  if (parsed->get_if<core::Dict>() == nullptr) {
    return fail(ErrorCode::kCorrupt,
                where + ": expected a JSON object, found " + std::string(parsed->type_name()));
  }
  return parsed;
}

RegistrySummary summarise(RegistryEntry entry) {
  RegistrySummary summary;
  summary.checkpoint_bytes = size_of(entry.checkpoint);
  summary.onnx_bytes = size_of(entry.onnx);
  const auto metadata = read_metadata(entry);
  if (!metadata) {
    summary.problem = metadata.error().message;
  } else {
    if (const Value* word = metadata->find("wake_word");
        word != nullptr && word->get_if<std::string>() != nullptr) {
      summary.wake_word = *word->get_if<std::string>();
    }
    if (const Value* threshold = metadata->find("threshold"))
      summary.threshold = threshold->number();
  }
  summary.entry = std::move(entry);
  return summary;
}

std::string names_in(const std::vector<RegistrySummary>& models) {
  constexpr std::size_t kShown = 10;
  std::string names;
  for (std::size_t i = 0; i < std::min(models.size(), kShown); ++i) {
    names += (i == 0 ? "" : ", ") + core::quote(models[i].entry.name);
  }
  if (models.size() > kShown) names += ", ...";
  return names.empty() ? "none" : names;
}

/// The base that an earlier export named, for the graph ast without one.
ExportOptions with_remembered_base(ExportOptions options, const Value& metadata) {
  const Value* base = metadata.find("base_path");
  const auto* path = base != nullptr ? base->get_if<std::string>() : nullptr;
  if (options.graph == "ast" && options.base.empty() && path != nullptr) options.base = *path;
  return options;
}

}  // namespace

Result<RegistryEntry> Registry::find(const std::string& name) const {
  if (!is_plain_name(name)) {
    return fail(ErrorCode::kInvalidArgument,
                "expected the name of a model, found \"" + core::quote(name) + "\"");
  }
  for (const std::string& folder : {name, folder_name(name)}) {
    for (const std::string_view category : kCategories) {
      const fs::path path = root_ / category / folder;
      std::error_code error;
      if (fs::is_directory(path, error)) return entry_of(path, category);
    }
  }
  WAKEBUILDER_TRY(const auto models, list());
  return fail(ErrorCode::kNotFound, "no model \"" + core::quote(name) + "\" in " +
                                        core::shown(root_) + " (there: " + names_in(models) + ")");
}

Result<RegistryEntry> Registry::place(const std::string& name) const {
  constexpr std::size_t kMostBytes = 100;
  if (is_plain_name(name) && name.size() <= kMostBytes && name == core::printable(name))
    return entry_of(root_ / "custom" / name, "custom");
  return fail(ErrorCode::kInvalidArgument,
              "expected a name for the model that can be a folder's, of at most 100 bytes, found " +
                  std::string("\"") + core::quote(name) + "\"");
}

Result<std::vector<RegistrySummary>> Registry::list() const {
  std::error_code error;
  if (!fs::is_directory(root_, error)) {
    return fail(ErrorCode::kNotFound,
                core::shown(root_) +
                    ": no such folder; name the registry with --models or WAKEBUILDER_MODELS");
  }
  std::vector<RegistrySummary> models;
  for (const std::string_view category : kCategories) {
    for (const fs::path& folder : subfolders(root_ / category))
      models.push_back(summarise(entry_of(folder, category)));
  }
  return models;
}

std::string model_name(const std::string& wake_word) {
  std::string name;
  for (const char c : folder_name(wake_word)) {
    const bool is_sign = std::ispunct(static_cast<unsigned char>(c)) != 0 && c != '-';
    if (!is_sign || c == '_') name += c;
  }
  return name;
}

Result<ExportReport> export_entry(const RegistryEntry& entry, const ExportOptions& options) {
  if (!entry.has_checkpoint) {
    return fail(ErrorCode::kNotFound, core::shown(entry.checkpoint) +
                                          ": no such file; the model \"" + core::quote(entry.name) +
                                          "\" has no checkpoint to export");
  }
  WAKEBUILDER_TRY(auto metadata, read_metadata(entry));
  const ExportOptions chosen = with_remembered_base(options, metadata);
  WAKEBUILDER_TRY(
      auto report,
      export_onnx(entry.checkpoint, options.variant.stream ? entry.stream : entry.onnx, chosen));
  Value record = to_value(report.validation);
  record.set("opset", report.opset);
  record.set("sha256", report.sha256);
  if (options.variant.stream) {
    record.set("size_bytes", static_cast<std::int64_t>(report.bytes));
    metadata.set("stream", std::move(record));
  } else {
    metadata.set("has_onnx", true);
    metadata.erase("onnx_failure");
    metadata.set("onnx_size_bytes", static_cast<std::int64_t>(report.bytes));
    metadata.set("validation", std::move(record));
  }
  if (!options.base.empty()) metadata.set("base_path", fs::absolute(options.base).string());
  WAKEBUILDER_CHECK(core::write_file(entry.metadata, core::to_json(metadata, 2) + "\n"));
  return report;
}

}  // namespace wakebuilder::pipeline
