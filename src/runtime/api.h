// ONNX Runtime's C API behind guards. Private: the header stays inside this module.
#pragma once

#include <memory>
#include <string>

#include <onnxruntime_c_api.h>

#include "wakebuilder/core/result.h"

namespace wakebuilder::runtime {

struct Api {
  const OrtApi* ort = nullptr;
  OrtEnv* env = nullptr;
};

/// A status as error: kUnsupported with the library's sentence, without line breaks; nothing for
/// success.
Result<void> check(const Api& api, OrtStatus* status);

/// The library's sentence as it is; releases the status. @pre not null
std::string take_message(const Api& api, OrtStatus* status);

/// Releases an object of the C API with the function that the member pointer names.
template <class T>
struct Releaser {
  const OrtApi* ort = nullptr;
  void (ORT_API_CALL* OrtApi::*release)(T*) = nullptr;
  void operator()(T* object) const { (ort->*release)(object); }
};

template <class T>
using Handle = std::unique_ptr<T, Releaser<T>>;

template <class T>
Handle<T> own(const Api& api, T* object, void (ORT_API_CALL* OrtApi::*release)(T*)) {
  return Handle<T>(object, Releaser<T>{api.ort, release});
}

}  // namespace wakebuilder::runtime
