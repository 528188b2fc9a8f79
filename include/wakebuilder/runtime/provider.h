// Execution providers: what computes the operators of a model, by name and with options.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/runtime/onnxruntime.h"

namespace wakebuilder::runtime {

/// One provider that a session is to use.
struct Provider {
  /// "cpu", "cuda", "tensorrt", or ONNX Runtime's own name of another: "WebGpuExecutionProvider".
  std::string name;
  /// As ONNX Runtime documents them for this provider, in the order given: {"device_id", "0"}.
  std::vector<std::pair<std::string, std::string>> options{};

  friend bool operator==(const Provider&, const Provider&) = default;
};

/// Reads a list of providers, the preferred one first.
///
///     list     = provider { (";" | ",") provider }
///     provider = name [ ":" key "=" value { "," key "=" value } ]
///
///     cuda,cpu
///     cuda:device_id=1,use_tf32=0,cpu
///     tensorrt:trt_fp16_enable=1;cuda;cpu
///     tensorrt:trt_profile_min_shapes=x:1x160x128\,state:1x64
///
/// What follows a comma is an option when it has "=" before any ":", else the next provider. A
/// comma, semicolon or backslash of a value has a backslash in front. Blanks around names, keys and
/// values do not count; "CUDA" and "CUDAExecutionProvider" are "cuda".
///
/// Errors: kInvalidArgument for an unknown name, an option without "=", a provider or option that
/// is given twice, options of cpu, and providers behind cpu, which runs whatever is left.
Result<std::vector<Provider>> parse_providers(std::string_view text);

/// Reads one provider: "cpu", "tensorrt:trt_fp16_enable=1,device_id=0". Errors: those of the list.
Result<Provider> parse_provider(std::string_view text);

/// ONNX Runtime's own name: "CUDAExecutionProvider" for "cuda".
std::string ort_provider_name(const std::string& name);

/// Our name: "cuda" for "CUDAExecutionProvider".
std::string provider_name(std::string_view ort_name);

/// Whether a provider can be used here.
struct ProviderStatus {
  std::string name;
  std::string ort_name;
  bool available = false;
  std::string reason{};  ///< why it is not, one sentence; "" if it is
};

/// What this ONNX Runtime can use, and why not the rest: cpu, cuda and tensorrt, then whatever else
/// the library was built with. Each is tried: a session of one addition is made on it, which loads
/// the libraries of the provider and opens its device.
std::vector<ProviderStatus> provider_statuses(const OnnxRuntime& runtime);

/// How many nodes of the optimised graph a provider ran; what it fused into one node is one.
struct Placement {
  std::string provider;  ///< our name
  std::size_t nodes = 0;

  friend bool operator==(const Placement&, const Placement&) = default;
};

}  // namespace wakebuilder::runtime
