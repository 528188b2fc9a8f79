// Sessions on execution providers: appended in order, dropped with a reason when they cannot be
// had. Private.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "wakebuilder/runtime/session.h"

#include "runtime/api.h"

namespace wakebuilder::runtime {

/// The settings of a session, but for its providers.
using MakeSettings = std::function<Result<Handle<OrtSessionOptions>>()>;

/// Makes a session from a file or from memory.
using MakeSession = std::function<OrtStatus*(const OrtSessionOptions*, OrtSession**)>;

/// A sentence of ONNX Runtime without the places in its source, for one line. "/onnxruntime_src/...
/// [ONNXRuntimeError] : 1 : FAIL : Failed to load library ..." begins with "Failed".
std::string plain_reason(std::string message);

struct SessionOnProviders {
  Handle<OrtSession> session;
  std::vector<std::string> fallbacks;  ///< "cuda: not used: ..."
};

/// Makes a session on the providers that `options` wants; both functions are called again for each
/// provider that fails on the way. Errors: those of Session::open.
Result<SessionOnProviders> open_on_providers(const OnnxRuntime& runtime,
                                             const SessionOptions& options,
                                             const MakeSettings& make_settings,
                                             const MakeSession& make_session);

}  // namespace wakebuilder::runtime
