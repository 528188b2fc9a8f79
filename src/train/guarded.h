// libtorch's exceptions end here. Private: torch's header stays inside this module.
#pragma once

#include <type_traits>

#include <torch/torch.h>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::train {

/// What the function gives. Errors: its own; kUnsupported when libtorch fails, with its reason.
template <class F>
std::invoke_result_t<F> guarded(F&& function) {
  try {
    return function();
  } catch (const c10::Error& error) {
    return fail(ErrorCode::kUnsupported,
                "libtorch: " + core::quote(error.what_without_backtrace(), 400));
  }
}

}  // namespace wakebuilder::train
