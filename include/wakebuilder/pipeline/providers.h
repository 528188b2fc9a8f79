// Which execution providers of ONNX Runtime can be used here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/runtime/provider.h"

namespace wakebuilder::pipeline {

struct ProvidersReport {
  std::string version;  ///< of ONNX Runtime: "1.30.0"
  std::filesystem::path library;
  std::vector<runtime::ProviderStatus> providers;
};

/// Loads ONNX Runtime, from `onnxruntime` if given, and tries each of its providers.
/// Errors: kUnavailable without ONNX Runtime.
Result<ProvidersReport> list_providers(const std::filesystem::path& onnxruntime = {});

}  // namespace wakebuilder::pipeline
