#include "wakebuilder/runtime/session.h"

#include "runtime/provider_session.h"
#include "runtime/session_impl.h"

namespace wakebuilder::runtime {

namespace {

Result<Handle<OrtSessionOptions>> make_options(const Api& api, const SessionOptions& options) {
  OrtSessionOptions* raw = nullptr;
  WAKEBUILDER_CHECK(check(api, api.ort->CreateSessionOptions(&raw)));
  auto handle = own(api, raw, &OrtApi::ReleaseSessionOptions);
  WAKEBUILDER_CHECK(check(api, api.ort->SetIntraOpNumThreads(raw, options.threads)));
  WAKEBUILDER_CHECK(check(api, api.ort->SetInterOpNumThreads(raw, 1)));
  WAKEBUILDER_CHECK(check(api, api.ort->SetSessionExecutionMode(raw, ORT_SEQUENTIAL)));
  WAKEBUILDER_CHECK(check(api, api.ort->SetSessionGraphOptimizationLevel(raw, ORT_ENABLE_ALL)));
  // Waiting threads sleep instead of burning a core.
  WAKEBUILDER_CHECK(
      check(api, api.ort->AddSessionConfigEntry(raw, "session.intra_op.allow_spinning", "0")));
  if (options.weights_folder.empty()) return handle;
  WAKEBUILDER_CHECK(check(api, api.ort->AddSessionConfigEntry(
                                   raw, "session.model_external_initializers_file_folder_path",
                                   options.weights_folder.c_str())));
  // Packing would copy every weight.
  WAKEBUILDER_CHECK(
      check(api, api.ort->AddSessionConfigEntry(raw, "session.disable_prepacking", "1")));
  return handle;
}

void read_shape(const Api& api, const OrtTensorTypeAndShapeInfo* info, Port& port) {
  std::size_t rank = 0;
  if (!check(api, api.ort->GetDimensionsCount(info, &rank))) return;
  port.shape.resize(rank);
  std::vector<const char*> names(rank);
  if (!check(api, api.ort->GetDimensions(info, port.shape.data(), rank))) return;
  if (!check(api, api.ort->GetSymbolicDimensions(info, names.data(), rank))) return;
  for (const char* name : names) port.dim_names.emplace_back(name != nullptr ? name : "");
}

Result<void> read_type(const Api& api, const OrtTypeInfo* type, Port& port) {
  const OrtTensorTypeAndShapeInfo* info = nullptr;
  WAKEBUILDER_CHECK(check(api, api.ort->CastTypeInfoToTensorInfo(type, &info)));
  port.is_tensor = info != nullptr;
  if (!port.is_tensor) return {};
  ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  WAKEBUILDER_CHECK(check(api, api.ort->GetTensorElementType(info, &element)));
  port.element_type = static_cast<std::int32_t>(element);
  read_shape(api, info, port);
  return {};
}

/// `get_name` and `get_type` are members of OrtApi: for inputs or for outputs.
template <class GetName, class GetType>
Result<std::vector<Port>> read_ports(const Api& api, const OrtSession* session, std::size_t count,
                                     GetName get_name, GetType get_type) {
  OrtAllocator* allocator = nullptr;
  WAKEBUILDER_CHECK(check(api, api.ort->GetAllocatorWithDefaultOptions(&allocator)));
  std::vector<Port> ports(count);
  for (std::size_t i = 0; i < count; ++i) {
    char* name = nullptr;
    WAKEBUILDER_CHECK(check(api, (api.ort->*get_name)(session, i, allocator, &name)));
    ports[i].name = name;
    WAKEBUILDER_CHECK(check(api, api.ort->AllocatorFree(allocator, name)));
    OrtTypeInfo* type = nullptr;
    WAKEBUILDER_CHECK(check(api, (api.ort->*get_type)(session, i, &type)));
    const auto guard = own(api, type, &OrtApi::ReleaseTypeInfo);
    WAKEBUILDER_CHECK(read_type(api, type, ports[i]));
  }
  return ports;
}

/// ONNX Runtime only reads inputs.
Result<Handle<OrtValue>> wrap_input(const Api& api, const OrtMemoryInfo* memory,
                                    const core::Tensor& tensor) {
  const auto values = tensor.as<float>();
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  return wrap(api, memory, const_cast<float*>(values.data()), values.size(), tensor.shape());
}

Result<core::Tensor> unwrap(const Api& api, OrtValue* value) {
  OrtTensorTypeAndShapeInfo* info = nullptr;
  WAKEBUILDER_CHECK(check(api, api.ort->GetTensorTypeAndShape(value, &info)));
  const auto guard = own(api, info, &OrtApi::ReleaseTensorTypeAndShapeInfo);
  Port port;
  ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  WAKEBUILDER_CHECK(check(api, api.ort->GetTensorElementType(info, &element)));
  if (element != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
    return fail(ErrorCode::kUnsupported,
                "expected a float32 output, found element type " + std::to_string(element));
  }
  read_shape(api, info, port);
  void* data = nullptr;
  WAKEBUILDER_CHECK(check(api, api.ort->GetTensorMutableData(value, &data)));
  const auto* begin = static_cast<const float*>(data);
  return core::Tensor::from(std::vector<float>(begin, begin + core::numel(port.shape)), port.shape);
}

}  // namespace

Result<Handle<OrtValue>> wrap(const Api& api, const OrtMemoryInfo* memory, float* values,
                              std::size_t count, const core::Shape& shape) {
  OrtValue* raw = nullptr;
  WAKEBUILDER_CHECK(check(api, api.ort->CreateTensorWithDataAsOrtValue(
                                   memory, values, count * sizeof(float), shape.data(),
                                   shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &raw)));
  return own(api, raw, &OrtApi::ReleaseValue);
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

const std::vector<Port>& Session::inputs() const { return impl_->inputs; }
const std::vector<Port>& Session::outputs() const { return impl_->outputs; }
const std::vector<std::pair<std::string, std::string>>& Session::metadata() const {
  return impl_->metadata;
}
const std::vector<std::string>& Session::fallbacks() const { return impl_->fallbacks; }

namespace {

/// A text that ONNX Runtime allocated.
Result<std::string> take(const Api& api, OrtAllocator* allocator, char* text) {
  std::string copy = text != nullptr ? text : "";
  WAKEBUILDER_CHECK(check(api, api.ort->AllocatorFree(allocator, text)));
  return copy;
}

/// metadata_props, in the order that ONNX Runtime gives.
Result<std::vector<std::pair<std::string, std::string>>> read_metadata(const Api& api,
                                                                       const OrtSession* session) {
  OrtAllocator* allocator = nullptr;
  WAKEBUILDER_CHECK(check(api, api.ort->GetAllocatorWithDefaultOptions(&allocator)));
  OrtModelMetadata* raw = nullptr;
  WAKEBUILDER_CHECK(check(api, api.ort->SessionGetModelMetadata(session, &raw)));
  const auto metadata = own(api, raw, &OrtApi::ReleaseModelMetadata);
  char** keys = nullptr;
  std::int64_t count = 0;
  WAKEBUILDER_CHECK(
      check(api, api.ort->ModelMetadataGetCustomMetadataMapKeys(raw, allocator, &keys, &count)));
  std::vector<std::pair<std::string, std::string>> result;
  for (std::int64_t i = 0; i < count; ++i) {
    char* value = nullptr;
    WAKEBUILDER_TRY(auto key, take(api, allocator, keys[i]));
    WAKEBUILDER_CHECK(check(
        api, api.ort->ModelMetadataLookupCustomMetadataMap(raw, allocator, key.c_str(), &value)));
    WAKEBUILDER_TRY(auto text, take(api, allocator, value));
    result.emplace_back(std::move(key), std::move(text));
  }
  if (keys != nullptr) WAKEBUILDER_CHECK(check(api, api.ort->AllocatorFree(allocator, keys)));
  return result;
}

template <class Impl>
Result<void> make_session(Impl& impl, const SessionOptions& options, const MakeSession& create) {
  if (options.record_placements) {
    WAKEBUILDER_TRY(impl.recording, Recording::create());
  }
  const auto make_settings = [&]() -> Result<Handle<OrtSessionOptions>> {
    WAKEBUILDER_TRY(auto settings, make_options(impl.api(), options));
    if (impl.recording) WAKEBUILDER_CHECK(impl.recording->enable(impl.api(), settings.get()));
    return settings;
  };
  WAKEBUILDER_TRY(auto made, open_on_providers(*impl.runtime, options, make_settings, create));
  impl.session = std::move(made.session);
  impl.fallbacks = std::move(made.fallbacks);
  return {};
}

/// Fills in all but the runtime; `create` makes the session: from a file or from memory.
template <class Impl>
Result<void> open_with(Impl& impl, const SessionOptions& options, const MakeSession& create) {
  const Api& api = impl.api();
  WAKEBUILDER_CHECK(make_session(impl, options, create));
  OrtSession* session = impl.session.get();
  OrtMemoryInfo* memory = nullptr;
  WAKEBUILDER_CHECK(
      check(api, api.ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory)));
  impl.memory = own(api, memory, &OrtApi::ReleaseMemoryInfo);
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  WAKEBUILDER_CHECK(check(api, api.ort->SessionGetInputCount(session, &inputs)));
  WAKEBUILDER_CHECK(check(api, api.ort->SessionGetOutputCount(session, &outputs)));
  WAKEBUILDER_TRY(impl.inputs, read_ports(api, session, inputs, &OrtApi::SessionGetInputName,
                                          &OrtApi::SessionGetInputTypeInfo));
  WAKEBUILDER_TRY(impl.outputs, read_ports(api, session, outputs, &OrtApi::SessionGetOutputName,
                                           &OrtApi::SessionGetOutputTypeInfo));
  WAKEBUILDER_TRY(impl.metadata, read_metadata(api, session));
  return {};
}

}  // namespace

Result<Session> Session::open(std::shared_ptr<const OnnxRuntime> runtime,
                              const std::filesystem::path& model, const SessionOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->runtime = std::move(runtime);
  WAKEBUILDER_CHECK(
      open_with(*impl, options, [&](const OrtSessionOptions* settings, OrtSession** session) {
        const Api& api = impl->api();
        return api.ort->CreateSession(api.env, model.c_str(), settings, session);
      }));
  return Session(std::move(impl));
}

Result<Session> Session::open(std::shared_ptr<const OnnxRuntime> runtime,
                              std::span<const std::byte> model, const SessionOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->runtime = std::move(runtime);
  WAKEBUILDER_CHECK(
      open_with(*impl, options, [&](const OrtSessionOptions* settings, OrtSession** session) {
        const Api& api = impl->api();
        return api.ort->CreateSessionFromArray(api.env, model.data(), model.size(), settings,
                                               session);
      }));
  return Session(std::move(impl));
}

Result<std::vector<core::Tensor>> Session::run(
    std::span<const std::pair<std::string, core::Tensor>> inputs,
    std::span<const std::string> outputs) {
  const Api& api = impl_->api();
  std::vector<const char*> input_names;
  std::vector<Handle<OrtValue>> owners;
  std::vector<const OrtValue*> input_values;
  for (const auto& [name, tensor] : inputs) {
    if (tensor.dtype() != core::DType::kFloat32) {
      return fail(ErrorCode::kUnsupported, name + ": expected float32, found " +
                                               std::string(core::to_string(tensor.dtype())));
    }
    WAKEBUILDER_TRY(auto value, wrap_input(api, impl_->memory.get(), tensor));
    input_names.push_back(name.c_str());
    input_values.push_back(value.get());
    owners.push_back(std::move(value));
  }
  std::vector<const char*> output_names;
  for (const std::string& name : outputs) output_names.push_back(name.c_str());
  std::vector<OrtValue*> output_values(outputs.size(), nullptr);
  WAKEBUILDER_CHECK(
      check(api, api.ort->Run(impl_->session.get(), nullptr, input_names.data(),
                              input_values.data(), input_values.size(), output_names.data(),
                              output_names.size(), output_values.data())));
  for (OrtValue* value : output_values) owners.push_back(own(api, value, &OrtApi::ReleaseValue));
  std::vector<core::Tensor> results;
  for (OrtValue* value : output_values) {
    WAKEBUILDER_TRY(auto tensor, unwrap(api, value));
    results.push_back(std::move(tensor));
  }
  return results;
}

}  // namespace wakebuilder::runtime
