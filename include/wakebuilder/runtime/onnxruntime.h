// ONNX Runtime, loaded when it is needed and never linked.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "wakebuilder/core/result.h"

namespace wakebuilder::runtime {

/// The functions of a loaded library; defined by ONNX Runtime's C header.
struct Api;

/// A loaded ONNX Runtime: Microsoft's CPU build that set-up installs, or the user's own (CUDA,
/// TensorRT, ...). Thread-safe. It stays loaded until the process ends.
class OnnxRuntime {
 public:
  /// Loads the library from `library` if given, else from the path in WAKEBUILDER_ONNXRUNTIME, else
  /// from the first of: beside the program (`../lib`), the place that the build was configured
  /// with, the system. Errors: kUnavailable, with all places that were tried and why each failed;
  /// also for a library whose API is older than 1.11, the oldest that this program can use.
  /// Sets ORT_DISABLE_TELEMETRY=1 in the environment first: nothing is reported to Microsoft.
  static Result<std::shared_ptr<const OnnxRuntime>> load(const std::filesystem::path& library = {});

  /// "1.30.0"
  const std::string& version() const { return version_; }

  /// The file that was loaded.
  const std::filesystem::path& library() const { return library_; }

  /// The API version that both sides know.
  int api_version() const { return api_version_; }

  const Api& api() const { return *api_; }

 private:
  OnnxRuntime() = default;

  std::string version_;
  std::filesystem::path library_;
  int api_version_ = 0;
  std::shared_ptr<const Api> api_;
};

}  // namespace wakebuilder::runtime
