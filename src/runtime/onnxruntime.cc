#include "wakebuilder/runtime/onnxruntime.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <dlfcn.h>
#include <string_view>
#include <vector>

#include "wakebuilder/core/text.h"

#include "runtime/api.h"

namespace wakebuilder::runtime {
namespace {

namespace fs = std::filesystem;

/// The oldest API with all functions that this module calls.
constexpr int kOldestApi = 11;

/// Where a library may be, in the order of preference.
std::vector<fs::path> candidates(const fs::path& wanted) {
  if (!wanted.empty()) return {wanted};
  const char* variable = std::getenv("WAKEBUILDER_ONNXRUNTIME");  // NOLINT(concurrency-mt-unsafe)
  if (variable != nullptr && *variable != '\0') return {variable};
  std::vector<fs::path> places;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) places.push_back(program.parent_path().parent_path() / "lib" / "libonnxruntime.so");
  places.emplace_back(WAKEBUILDER_DEFAULT_ONNXRUNTIME);
  places.emplace_back("libonnxruntime.so.1");  // the system's linker path
  places.emplace_back("libonnxruntime.so");
  return places;
}

/// "1.30.0" -> 30: since 1.0 the API version is the minor version.
int minor_version(const std::string& version) {
  const auto dot = version.find('.');
  int minor = 0;
  if (dot != std::string::npos)
    std::from_chars(version.data() + dot + 1, version.data() + version.size(), minor);
  return minor;
}

/// The library stays quiet: what matters comes back as a status.
void ORT_API_CALL ignore_log(void* /*parameter*/, OrtLoggingLevel /*severity*/,
                             const char* /*category*/, const char* /*id*/, const char* /*location*/,
                             const char* /*message*/) {}

struct Loaded {
  const OrtApiBase* base = nullptr;
  fs::path file;
};

/// Microsoft's builds since 1.29 report to Microsoft, unless told not to before they are loaded:
/// they write a database to ~/.cache/Microsoft and send it. A tool that needs no network must not
/// do that.
void disable_telemetry() {
  // NOLINTBEGIN(concurrency-mt-unsafe): as with any setenv; a program with threads may set it first
  const char* value = std::getenv("ORT_DISABLE_TELEMETRY");
  if (value == nullptr || std::string_view(value) != "1") {
    ::setenv("ORT_DISABLE_TELEMETRY", "1", 1);
  }
  // NOLINTEND(concurrency-mt-unsafe)
}

Result<Loaded> open_library(const fs::path& place) {
  void* library = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = ::dlerror();  // NOLINT(concurrency-mt-unsafe): glibc's is per thread
    return fail(ErrorCode::kUnavailable, reason != nullptr ? reason : "cannot be loaded");
  }
  using GetApiBase = const OrtApiBase*(ORT_API_CALL*)();
  void* symbol = ::dlsym(library, "OrtGetApiBase");
  if (symbol == nullptr)
    return fail(ErrorCode::kUnavailable,
                place.string() + ": is not ONNX Runtime (no OrtGetApiBase)");
  Dl_info info{};
  const bool known = ::dladdr(symbol, &info) != 0 && info.dli_fname != nullptr;
  const auto get_base = reinterpret_cast<GetApiBase>(symbol);
  return Loaded{.base = get_base(), .file = known ? fs::path(info.dli_fname) : place};
}

}  // namespace

std::string take_message(const Api& api, OrtStatus* status) {
  std::string message = api.ort->GetErrorMessage(status);
  api.ort->ReleaseStatus(status);
  return message;
}

Result<void> check(const Api& api, OrtStatus* status) {
  if (status == nullptr) return {};
  std::string message = take_message(api, status);
  std::ranges::replace(message, '\n', ' ');
  while (!message.empty() && message.back() == ' ') message.pop_back();
  return fail(ErrorCode::kUnsupported, "ONNX Runtime: " + core::quote(message, 500));
}

Result<std::shared_ptr<const OnnxRuntime>> OnnxRuntime::load(const fs::path& library) {
  disable_telemetry();
  std::string tried;
  for (const fs::path& place : candidates(library)) {
    auto loaded = open_library(place);
    if (!loaded) {
      tried += (tried.empty() ? "" : "; ") + loaded.error().message;
      continue;
    }
    std::shared_ptr<OnnxRuntime> runtime(new OnnxRuntime());
    runtime->version_ = loaded->base->GetVersionString();
    runtime->library_ = loaded->file;
    runtime->api_version_ = std::min(ORT_API_VERSION, minor_version(runtime->version_));
    const OrtApi* ort =
        runtime->api_version_ < kOldestApi
            ? nullptr
            : loaded->base->GetApi(static_cast<std::uint32_t>(runtime->api_version_));
    if (ort == nullptr) {
      return fail(ErrorCode::kUnavailable, loaded->file.string() + ": expected ONNX Runtime 1." +
                                               std::to_string(kOldestApi) + " or newer, found " +
                                               runtime->version_);
    }
    auto api = std::make_shared<Api>();
    api->ort = ort;
    WAKEBUILDER_CHECK(
        check(*api, ort->CreateEnvWithCustomLogger(ignore_log, nullptr, ORT_LOGGING_LEVEL_FATAL,
                                                   "wakebuilder", &api->env)));
    runtime->api_ = std::move(api);
    return std::shared_ptr<const OnnxRuntime>(std::move(runtime));
  }
  return fail(
      ErrorCode::kUnavailable,
      "ONNX Runtime is not there (run scripts/setup.sh, or name a library with --onnxruntime or "
      "WAKEBUILDER_ONNXRUNTIME); tried: " +
          tried);
}

}  // namespace wakebuilder::runtime
