// Runs a function in a process of its own, so that its crash is an answer and not the end.
#pragma once

#include <functional>
#include <string>

#include "wakebuilder/core/result.h"

namespace wakebuilder::onnx {

/// Forks, calls `work` in the child and returns its text.
///
/// The child has 10 s of processor time (60 s on the clock), 2 GiB of memory beyond what the
/// process has now, and no standard output. `work` must not throw and must not wait for other
/// threads, as the child has only the calling one.
///
/// Errors: kUnavailable when no process can be made, or when it does not answer; the sentence says
/// why.
Result<std::string> run_in_child(const std::function<std::string()>& work);

}  // namespace wakebuilder::onnx
