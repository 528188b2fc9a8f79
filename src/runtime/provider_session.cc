#include "runtime/provider_session.h"

#include <algorithm>
#include <array>

namespace wakebuilder::runtime {
namespace {

/// y = x + x for one float32: an ONNX model of opset 13 in protobuf's wire format.
// clang-format off
constexpr auto kProbeModel = std::to_array<unsigned char>({
    0x08, 8,                           // ir_version: 8
    0x3a, 57,                          // graph {
    0x0a, 14,                          //   node {
    0x0a, 1, 'x', 0x0a, 1, 'x',        //     input: "x", "x"
    0x12, 1, 'y',                      //     output: "y"
    0x22, 3, 'A', 'd', 'd',            //     op_type: "Add" }
    0x12, 5, 'p', 'r', 'o', 'b', 'e',  //   name: "probe"
    0x5a, 15, 0x0a, 1, 'x',            //   input { name: "x"
    0x12, 10, 0x0a, 8, 0x08, 1,        //     type { tensor_type { elem_type: FLOAT
    0x12, 4, 0x0a, 2, 0x08, 1,         //       shape { dim { dim_value: 1 } } } } }
    0x62, 15, 0x0a, 1, 'y',            //   output: the same for "y" }
    0x12, 10, 0x0a, 8, 0x08, 1,
    0x12, 4, 0x0a, 2, 0x08, 1,
    0x42, 2, 0x10, 13,                 // opset_import { version: 13 }
});
// clang-format on

/// The first API with SessionOptionsAppendExecutionProvider.
constexpr int kGenericProviderApi = 12;
/// The first ONNX Runtime that knows session.disable_cpu_ep_fallback; older ones ignore it.
constexpr int kNoFallbackApi = 16;

/// Options as ONNX Runtime takes them; looks at those of the provider.
struct OptionPointers {
  std::vector<const char*> keys, values;

  explicit OptionPointers(const Provider& provider) {
    for (const auto& [key, value] : provider.options) {
      keys.push_back(key.c_str());
      values.push_back(value.c_str());
    }
  }
};

/// What GetAvailableProviders says: the providers that the library was built with.
std::vector<std::string> built_in_providers(const Api& api) {
  char** names = nullptr;
  int count = 0;
  if (!check(api, api.ort->GetAvailableProviders(&names, &count))) return {};
  std::vector<std::string> found(names, names + count);
  if (!check(api, api.ort->ReleaseAvailableProviders(names, count))) return {};
  return found;
}

Result<void> expect_built_in(const OnnxRuntime& runtime, const Provider& provider) {
  const auto built_in = built_in_providers(runtime.api());
  if (std::ranges::find(built_in, ort_provider_name(provider.name)) != built_in.end()) return {};
  std::string names;
  for (const std::string& name : built_in)
    names += (names.empty() ? "" : ", ") + provider_name(name);
  return fail(ErrorCode::kUnavailable,
              "this ONNX Runtime " + runtime.version() + " is built without it; it has " + names);
}

/// Makes a session of a tiny model, which opens the device. Errors: as append().
Result<void> probe(const OnnxRuntime& runtime, const Provider& provider);

/// A status as error: kUnavailable with the reason alone, for a provider that cannot be had.
Result<void> try_provider(const Api& api, OrtStatus* status) {
  if (status == nullptr) return {};
  return fail(ErrorCode::kUnavailable, plain_reason(take_message(api, status)));
}

/// The provider did not take its options: because it takes none like these, or because it cannot be
/// used anyhow (CUDA asks the driver about each device_id).
Result<void> judge_options(const OnnxRuntime& runtime, const Provider& provider,
                           const Error& error) {
  const bool is_unknown = error.message.find("nknown provider option") != std::string::npos;
  if (!is_unknown) WAKEBUILDER_CHECK(probe(runtime, {.name = provider.name}));
  return fail(ErrorCode::kInvalidArgument,
              provider.name + ": does not take its options: " + error.message);
}

/// The functions of the C API for CUDA's or for TensorRT's options.
template <class Options>
struct TypedProvider {
  OrtStatus* (ORT_API_CALL* OrtApi::*create)(Options**) noexcept;
  OrtStatus* (ORT_API_CALL* OrtApi::*update)(Options*, const char* const*, const char* const*,
                                             std::size_t) noexcept;
  OrtStatus* (ORT_API_CALL* OrtApi::*append)(OrtSessionOptions*, const Options*) noexcept;
  void (ORT_API_CALL* OrtApi::*release)(Options*);
};

constexpr TypedProvider<OrtCUDAProviderOptionsV2> kCuda = {
    &OrtApi::CreateCUDAProviderOptions, &OrtApi::UpdateCUDAProviderOptions,
    &OrtApi::SessionOptionsAppendExecutionProvider_CUDA_V2, &OrtApi::ReleaseCUDAProviderOptions};

constexpr TypedProvider<OrtTensorRTProviderOptionsV2> kTensorrt = {
    &OrtApi::CreateTensorRTProviderOptions, &OrtApi::UpdateTensorRTProviderOptions,
    &OrtApi::SessionOptionsAppendExecutionProvider_TensorRT_V2,
    &OrtApi::ReleaseTensorRTProviderOptions};

template <class Options>
Result<void> append_typed(const OnnxRuntime& runtime, OrtSessionOptions* settings,
                          const Provider& provider, const TypedProvider<Options>& functions) {
  const Api& api = runtime.api();
  Options* raw = nullptr;
  WAKEBUILDER_CHECK(try_provider(api, (api.ort->*functions.create)(&raw)));
  const auto options = own(api, raw, functions.release);
  // Without options first: it loads the provider's library, and says why it cannot be loaded, which
  // appending only logs.
  WAKEBUILDER_CHECK(try_provider(api, (api.ort->*functions.update)(raw, nullptr, nullptr, 0)));
  if (!provider.options.empty()) {
    const OptionPointers given(provider);
    const auto taken =
        try_provider(api, (api.ort->*functions.update)(raw, given.keys.data(), given.values.data(),
                                                       given.keys.size()));
    if (!taken) return judge_options(runtime, provider, taken.error());
  }
  return try_provider(api, (api.ort->*functions.append)(settings, raw));
}

Result<Handle<OrtSessionOptions>> empty_settings(const Api& api) {
  OrtSessionOptions* raw = nullptr;
  WAKEBUILDER_CHECK(check(api, api.ort->CreateSessionOptions(&raw)));
  return own(api, raw, &OrtApi::ReleaseSessionOptions);
}

Result<void> append_other(const OnnxRuntime& runtime, OrtSessionOptions* settings,
                          const Provider& provider) {
  if (runtime.api_version() < kGenericProviderApi) {
    return fail(ErrorCode::kUnavailable,
                "expected ONNX Runtime 1.12 or newer, found " + runtime.version());
  }
  const OptionPointers given(provider);
  const Api& api = runtime.api();
  auto done = try_provider(api, api.ort->SessionOptionsAppendExecutionProvider(
                                    settings, provider.name.c_str(), given.keys.data(),
                                    given.values.data(), given.keys.size()));
  if (done || provider.options.empty()) return done;
  return judge_options(runtime, provider, done.error());
}

/// Errors: kUnavailable with the reason alone; kInvalidArgument for options that the provider does
/// not know.
Result<void> append(const OnnxRuntime& runtime, OrtSessionOptions* settings,
                    const Provider& provider) {
  if (provider.name == "cpu") return {};  // always there, and last
  WAKEBUILDER_CHECK(expect_built_in(runtime, provider));
  if (provider.name == "cuda") return append_typed(runtime, settings, provider, kCuda);
  if (provider.name == "tensorrt") return append_typed(runtime, settings, provider, kTensorrt);
  return append_other(runtime, settings, provider);
}

Result<void> probe(const OnnxRuntime& runtime, const Provider& provider) {
  const Api& api = runtime.api();
  WAKEBUILDER_TRY(const auto settings, empty_settings(api));
  WAKEBUILDER_CHECK(check(api, api.ort->SetIntraOpNumThreads(settings.get(), 1)));
  WAKEBUILDER_CHECK(append(runtime, settings.get(), provider));
  OrtSession* session = nullptr;
  WAKEBUILDER_CHECK(try_provider(
      api, api.ort->CreateSessionFromArray(api.env, kProbeModel.data(), kProbeModel.size(),
                                           settings.get(), &session)));
  const auto owner = own(api, session, &OrtApi::ReleaseSession);
  return {};
}

/// The way from the providers that are wanted to those that a session can be made on.
class Opening {
 public:
  Opening(const OnnxRuntime& runtime, const SessionOptions& options,
          const MakeSettings& make_settings, const MakeSession& make_session)
      : runtime_(runtime),
        is_strict_(options.strict_providers),
        wanted_(options.providers),
        make_settings_(make_settings),
        make_session_(make_session) {}

  Result<SessionOnProviders> open() {
    WAKEBUILDER_CHECK(take_cpu_out());
    for (;;) {
      WAKEBUILDER_TRY(const auto settings, make_settings_());
      WAKEBUILDER_CHECK(append_all(settings.get()));
      WAKEBUILDER_CHECK(forbid_cpu(settings.get()));
      auto session = make_session(settings.get());
      if (session)
        return SessionOnProviders{.session = *std::move(session), .fallbacks = fallbacks_};
      WAKEBUILDER_CHECK(drop_culprit(session.error()));
    }
  }

 private:
  const Api& api() const { return runtime_.api(); }

  Result<void> take_cpu_out() {
    const auto cpu = std::ranges::find(wanted_, std::string("cpu"), &Provider::name);
    with_cpu_ = wanted_.empty() || cpu != wanted_.end();
    if (cpu == wanted_.end()) return {};
    if (cpu + 1 != wanted_.end() || !cpu->options.empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  "expected cpu as the last provider and without options, found it otherwise");
    }
    wanted_.erase(cpu);
    return {};
  }

  Result<Handle<OrtSession>> make_session(const OrtSessionOptions* settings) const {
    OrtSession* session = nullptr;
    WAKEBUILDER_CHECK(check(api(), make_session_(settings, &session)));
    return own(api(), session, &OrtApi::ReleaseSession);
  }

  Result<void> append_all(OrtSessionOptions* settings) {
    for (std::size_t i = 0; i < wanted_.size();) {
      const auto done = append(runtime_, settings, wanted_[i]);
      if (!done) WAKEBUILDER_CHECK(drop(i, done.error()));
      if (done) ++i;
    }
    return {};
  }

  Result<void> forbid_cpu(OrtSessionOptions* settings) const {
    if (!is_strict_ || with_cpu_) return {};
    if (runtime_.api_version() < kNoFallbackApi) {
      return fail(
          ErrorCode::kUnavailable,
          "strict providers: expected ONNX Runtime 1.16 or newer, found " + runtime_.version());
    }
    return check(
        api(), api().ort->AddSessionConfigEntry(settings, "session.disable_cpu_ep_fallback", "1"));
  }

  /// No session could be made. To blame is the first provider that cannot make one of a tiny model,
  /// or else the first that alone does not take this one. Errors: `error` when it is none of them.
  Result<void> drop_culprit(const Error& error) {
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      const auto probed = probe(runtime_, wanted_[i]);
      if (!probed) return drop(i, probed.error());
    }
    if (wanted_.empty() || is_strict_) return fail(error);
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      const auto taken = try_alone(wanted_[i]);
      if (!taken) return drop(i, taken.error());
    }
    return drop(0, error);
  }

  Result<void> try_alone(const Provider& provider) const {
    WAKEBUILDER_TRY(const auto settings, make_settings_());
    WAKEBUILDER_CHECK(append(runtime_, settings.get(), provider));
    OrtSession* session = nullptr;
    WAKEBUILDER_CHECK(try_provider(api(), make_session_(settings.get(), &session)));
    const auto owner = own(api(), session, &OrtApi::ReleaseSession);
    return {};
  }

  /// Goes on without a provider, unless that is not allowed or the user's fault.
  Result<void> drop(std::size_t index, const Error& error) {
    const std::string name = wanted_[index].name;
    if (error.code == ErrorCode::kInvalidArgument) return fail(error);
    if (is_strict_)
      return fail(ErrorCode::kUnavailable, name + ": cannot be used: " + error.message);
    fallbacks_.push_back(name + ": not used: " + error.message);
    wanted_.erase(wanted_.begin() + static_cast<std::ptrdiff_t>(index));
    return {};
  }

  const OnnxRuntime& runtime_;
  bool is_strict_;
  bool with_cpu_ = true;
  std::vector<Provider> wanted_;  ///< without cpu, once that is taken out
  const MakeSettings& make_settings_;
  const MakeSession& make_session_;
  std::vector<std::string> fallbacks_;
};

ProviderStatus status_of(const OnnxRuntime& runtime, const std::string& name) {
  const auto probed = probe(runtime, {.name = name});
  return {.name = name,
          .ort_name = ort_provider_name(name),
          .available = probed.has_value(),
          .reason = probed ? std::string() : probed.error().message};
}

}  // namespace

Result<SessionOnProviders> open_on_providers(const OnnxRuntime& runtime,
                                             const SessionOptions& options,
                                             const MakeSettings& make_settings,
                                             const MakeSession& make_session) {
  return Opening(runtime, options, make_settings, make_session).open();
}

std::vector<ProviderStatus> provider_statuses(const OnnxRuntime& runtime) {
  std::vector<std::string> names = {"cpu", "cuda", "tensorrt"};
  for (const std::string& ort_name : built_in_providers(runtime.api())) {
    const std::string name = provider_name(ort_name);
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  std::vector<ProviderStatus> statuses;
  statuses.reserve(names.size());
  for (const std::string& name : names) statuses.push_back(status_of(runtime, name));
  return statuses;
}

}  // namespace wakebuilder::runtime
