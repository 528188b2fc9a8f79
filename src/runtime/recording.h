// Which provider ran which node, from ONNX Runtime's own profile of a run. Private.
//
// The C API up to version 21 has no question for it, but a profile names the provider of each node
// that ran: {"cat": "Node", "name": "/add_kernel_time", "args": {"provider":
// "CPUExecutionProvider", "op_name": "Add", "node_index": "3", ...}, ...}. A node of a loop is in
// it once for each round.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/temporary_folder.h"
#include "wakebuilder/runtime/provider.h"

#include "runtime/api.h"

namespace wakebuilder::runtime {

/// Counts the nodes of a profile by provider, most nodes first. Errors: kUnsupported for what is no
/// JSON: ONNX Runtime writes names as they are, so that a quote in one spoils the file.
Result<std::vector<Placement>> read_profile(std::string_view json);

/// A profile that is written to a folder of its own, removed with this.
class Recording {
 public:
  /// Errors: kIo when there is no place for temporary files.
  static Result<std::unique_ptr<Recording>> create();

  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// For the settings of the session to come.
  Result<void> enable(const Api& api, OrtSessionOptions* settings) const;

  /// Ends the profile and reads it; the folder is then gone. Errors: kUnsupported, also with
  /// ONNX Runtime's reason, kIo.
  Result<std::vector<Placement>> finish(const Api& api, OrtSession* session);

 private:
  explicit Recording(core::TemporaryFolder folder) : folder_(std::move(folder)) {}

  core::TemporaryFolder folder_;
};

}  // namespace wakebuilder::runtime
