// What a Session holds. Private: for what runs a session in other ways.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/runtime/session.h"

#include "runtime/api.h"
#include "runtime/recording.h"

namespace wakebuilder::runtime {

struct Session::Impl {
  std::shared_ptr<const OnnxRuntime> runtime;
  std::unique_ptr<Recording> recording;  ///< before the session, which still writes at its end
  Handle<OrtSession> session;
  Handle<OrtMemoryInfo> memory;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<std::string> fallbacks;
  std::optional<Result<std::vector<Placement>>> placements;  ///< once the recording has ended

  const Api& api() const { return runtime->api(); }
  const OrtApi& ort() const { return *runtime->api().ort; }
};

/// Numbers of the caller as a tensor; ONNX Runtime reads or writes them where they are.
Result<Handle<OrtValue>> wrap(const Api& api, const OrtMemoryInfo* memory, float* values,
                              std::size_t count, const core::Shape& shape);

}  // namespace wakebuilder::runtime
