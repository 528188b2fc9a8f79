#include "wakebuilder/pipeline/providers.h"

namespace wakebuilder::pipeline {

Result<ProvidersReport> list_providers(const std::filesystem::path& onnxruntime) {
  WAKEBUILDER_TRY(const auto runtime, runtime::OnnxRuntime::load(onnxruntime));
  return ProvidersReport{.version = runtime->version(),
                         .library = runtime->library(),
                         .providers = runtime::provider_statuses(*runtime)};
}

}  // namespace wakebuilder::pipeline
