// The border to C: failures become a return value, a code and a sentence of the thread.
#pragma once

#include <string_view>
#include <utility>

#include "wakebuilder/core/result.h"

namespace wakebuilder::capi {

/// Keeps the failure for this thread. The sentence is cut to 2000 bytes: storing it needs no
/// memory, so running out of it can be told.
void keep_failure(int code, std::string_view sentence) noexcept;
void keep_failure(const Error& error) noexcept;

/// Keeps the exception that is being handled.
void keep_exception() noexcept;

/// The newest failure of this thread: a code of wakebuilder.h and a sentence, "" before the first.
int failure_code() noexcept;
const char* failure_sentence() noexcept;

/// Runs `action`, which returns a Result<T>. Its value; `otherwise` if it fails or throws.
template <class T, class F>
T guarded(T otherwise, F&& action) noexcept {
  try {
    Result<T> result = std::forward<F>(action)();
    if (result) return *std::move(result);
    keep_failure(result.error());
  } catch (...) {
    keep_exception();
  }
  return otherwise;
}

}  // namespace wakebuilder::capi
