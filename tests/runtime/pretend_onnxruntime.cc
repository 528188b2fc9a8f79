// A library that passes for an ONNX Runtime with devices: all of it is the real one, but for its
// version, its providers and what becomes of sessions on them. For tests of what a machine without
// devices cannot show.
//
//   WAKEBUILDER_REAL_ONNXRUNTIME     the real library
//   WAKEBUILDER_PRETEND_VERSION      the version to pass for; default: the real one
//
// Its providers, which leave every node to cpu: CUDA and LevelExecutionProvider know one option,
// "level"; the session of a GoneExecutionProvider fails for every model, that of a
// PickyExecutionProvider for all but the tiniest.

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <set>
#include <string>
#include <utility>

#include <onnxruntime_c_api.h>

namespace {

const OrtApiBase* real_base() {
  static const OrtApiBase* const kBase = [] {
    void* library = ::dlopen(std::getenv("WAKEBUILDER_REAL_ONNXRUNTIME"), RTLD_NOW | RTLD_LOCAL);
    using GetApiBase = const OrtApiBase*(ORT_API_CALL*)();
    return reinterpret_cast<GetApiBase>(::dlsym(library, "OrtGetApiBase"))();
  }();
  return kBase;
}

const OrtApi& real() {
  static const OrtApi* const kApi = real_base()->GetApi(ORT_API_VERSION);
  return *kApi;
}

/// What was appended, in order, with options: "CUDA(level=2) LevelExecutionProvider() ".
std::string& appended() {
  static std::string text;
  return text;
}

std::string& cuda_options() {
  static std::string text;
  return text;
}

std::set<const OrtSessionOptions*>& gone() {
  static std::set<const OrtSessionOptions*> settings;
  return settings;
}

std::set<const OrtSessionOptions*>& picky() {
  static std::set<const OrtSessionOptions*> settings;
  return settings;
}

OrtStatus* refuse(const std::string& message) noexcept {
  return real().CreateStatus(ORT_FAIL, message.c_str());
}

/// Empty when an option is not known.
bool take(const char* const* keys, const char* const* values, std::size_t count,
          std::string& text) {
  for (std::size_t i = 0; i < count; ++i) {
    if (std::strcmp(keys[i], "level") != 0) return false;
    text += std::string(keys[i]) + "=" + values[i];
  }
  return true;
}

OrtStatus* ORT_API_CALL available(char*** names, int* count) noexcept {
  static char cuda[] = "CUDAExecutionProvider";
  static char level[] = "LevelExecutionProvider";
  static char lost[] = "GoneExecutionProvider";
  static char fussy[] = "PickyExecutionProvider";
  static char cpu[] = "CPUExecutionProvider";
  static char* all[] = {cuda, level, lost, fussy, cpu};
  *names = all;
  *count = 5;
  return nullptr;
}

OrtStatus* ORT_API_CALL release_available(char** /*names*/, int /*count*/) noexcept {
  return nullptr;
}

OrtStatus* ORT_API_CALL append(OrtSessionOptions* settings, const char* name,
                               const char* const* keys, const char* const* values,
                               std::size_t count) noexcept {
  std::string options;
  if (!take(keys, values, count, options))
    return refuse("/src/provider.cc:7 void level::Parse(const Options&) It has no such option");
  appended() += std::string(name) + "(" + options + ") ";
  if (name == std::string("GoneExecutionProvider")) gone().insert(settings);
  if (name == std::string("PickyExecutionProvider")) picky().insert(settings);
  return nullptr;
}

OrtStatus* ORT_API_CALL create_cuda(OrtCUDAProviderOptionsV2** out) noexcept {
  cuda_options().clear();
  *out = reinterpret_cast<OrtCUDAProviderOptionsV2*>(&cuda_options());
  return nullptr;
}

OrtStatus* ORT_API_CALL update_cuda(OrtCUDAProviderOptionsV2* /*options*/, const char* const* keys,
                                    const char* const* values, std::size_t count) noexcept {
  if (take(keys, values, count, cuda_options())) return nullptr;
  return refuse(std::string("provider_options_utils.h:182 Parse Unknown provider option: \"") +
                keys[0] + "\".\n");
}

void ORT_API_CALL release_cuda(OrtCUDAProviderOptionsV2* /*options*/) noexcept {}

OrtStatus* ORT_API_CALL append_cuda(OrtSessionOptions* /*settings*/,
                                    const OrtCUDAProviderOptionsV2* /*options*/) noexcept {
  appended() += "CUDA(" + cuda_options() + ") ";
  return nullptr;
}

OrtStatus* ORT_API_CALL create_session(const OrtEnv* env, const void* model, std::size_t size,
                                       const OrtSessionOptions* settings,
                                       OrtSession** session) noexcept {
  constexpr std::size_t kTiny = 70;
  if (gone().erase(settings) > 0) return refuse("the device is gone");
  if (picky().erase(settings) > 0 && size > kTiny) return refuse("this model is too large");
  return real().CreateSessionFromArray(env, model, size, settings, session);
}

const OrtApi* ORT_API_CALL get_api(std::uint32_t /*version*/) noexcept {
  static const OrtApi kApi = [] {
    OrtApi copy = real();
    copy.GetAvailableProviders = available;
    copy.ReleaseAvailableProviders = release_available;
    copy.SessionOptionsAppendExecutionProvider = append;
    copy.CreateCUDAProviderOptions = create_cuda;
    copy.UpdateCUDAProviderOptions = update_cuda;
    copy.ReleaseCUDAProviderOptions = release_cuda;
    copy.SessionOptionsAppendExecutionProvider_CUDA_V2 = append_cuda;
    copy.CreateSessionFromArray = create_session;
    return copy;
  }();
  return &kApi;
}

const char* ORT_API_CALL get_version() noexcept {
  const char* version = std::getenv("WAKEBUILDER_PRETEND_VERSION");
  return version != nullptr && *version != '\0' ? version : real_base()->GetVersionString();
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) const OrtApiBase* OrtGetApiBase() noexcept {
  static const OrtApiBase kBase = {get_api, get_version};
  return &kBase;
}

/// What was appended since the last call.
__attribute__((visibility("default"))) const char* wakebuilder_pretend_appended() {
  static std::string text;
  text = std::exchange(appended(), {});
  return text.c_str();
}
}
