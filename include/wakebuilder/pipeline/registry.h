// The folder of models: models/{default,custom}/NAME/NAME.{pt,json,onnx}.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"
#include "wakebuilder/pipeline/export.h"

namespace wakebuilder::pipeline {

/// A model of the registry and where its parts are, or would be written.
struct RegistryEntry {
  std::string name;      ///< the folder's name
  std::string category;  ///< "custom" or "default"
  std::filesystem::path folder;
  std::filesystem::path checkpoint;  ///< NAME.pt, or model.pt
  std::filesystem::path metadata;    ///< NAME.json, or metadata.json
  std::filesystem::path onnx;        ///< NAME.onnx, or model.onnx
  std::filesystem::path stream;      ///< NAME.stream.onnx, or model.stream.onnx
  bool has_checkpoint = false;
  bool has_metadata = false;
  bool has_onnx = false;
};

/// One line of the list of models; what the metadata does not say is empty.
struct RegistrySummary {
  RegistryEntry entry;
  std::string wake_word;
  std::optional<double> threshold;
  std::uint64_t checkpoint_bytes = 0;
  std::uint64_t onnx_bytes = 0;
  std::string problem;  ///< why the metadata could not be read, or ""
};

/// A folder of models. Both layouts of files are read (docs/formats/registry.md).
class Registry {
 public:
  explicit Registry(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }

  /// Finds a model by its folder's name, or by its wake word written as WakeBuilder names folders
  /// ("Hey Jarvis" -> hey_jarvis); custom models come before default ones. Errors: kInvalidArgument
  /// for a name that could leave the registry, kNotFound (lists what there is).
  Result<RegistryEntry> find(const std::string& name) const;

  /// Where the parts of a new model of the user's would be, whether it is there or not: the folder
  /// custom/NAME. Errors: kInvalidArgument for what cannot be the name of a folder, or could leave
  /// the registry.
  Result<RegistryEntry> place(const std::string& name) const;

  /// All models, by category and name. Errors: kNotFound when the root is not there.
  Result<std::vector<RegistrySummary>> list() const;

 private:
  std::filesystem::path root_;
};

/// A wake word as WakeBuilder names folders: "Hey, Jarvis!" is hey_jarvis.
std::string model_name(const std::string& wake_word);

/// export_onnx() for a model of the registry: writes its .onnx, or NAME.stream.onnx, and then
/// records has_onnx, onnx_size_bytes and the validation (of a stream: `stream`) in its metadata,
/// where every other key stays as it was; only the `onnx_failure` of a training goes. A base is
/// remembered as `base_path`, and used when the graph ast is asked for without one. Metadata that
/// cannot be read is an error before anything is written.
Result<ExportReport> export_entry(const RegistryEntry& entry, const ExportOptions& options);

}  // namespace wakebuilder::pipeline
