// Result<T>: how every function of the library reports failure.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace wakebuilder {

/// Why something failed. Programs map it to an exit status, the server to an HTTP status.
enum class ErrorCode {
  kInvalidArgument,  ///< wrong usage: an option, a name, a number out of range
  kNotFound,         ///< the named file, model or tensor is not there
  kCorrupt,          ///< bytes that contradict their own format: torn, damaged or hostile
  kUnsupported,      ///< well-formed, but of a kind that this library does not read or make
  kMismatch,  ///< two things that must agree do not: a flag and the tensors, a shape and a config
  kCheckFailed,  ///< the work was done, and its check said no
  kIo,           ///< the machine failed: disk full, folder read-only, read error
  kUnavailable,  ///< a needed component is missing: ONNX Runtime, a voice
};

/// Short stable name for machines, e.g. "corrupt" for kCorrupt.
std::string_view to_string(ErrorCode code);

/// The exit status of a program that ends with this: 1 the check failed, 2 wrong usage or bad
/// input, 3 the machine failed (docs/architecture.md, contracts).
int exit_status(ErrorCode code);

/// A failure: its kind, and one sentence that says what, where, expected and found.
struct Error {
  ErrorCode code;
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

/// A value or an Error. An alias of tl::expected until the compilers in use share std::expected.
template <class T>
using Result = tl::expected<T, Error>;

/// Makes the failed state of any Result: `return fail(ErrorCode::kCorrupt, "...");`.
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// Passes an Error on unchanged: `return fail(std::move(result).error());`.
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

/// The same failure with `where` in front of its sentence: "model.pt: ...".
inline tl::unexpected<Error> fail_in(std::string_view where, Error error) {
  error.message.insert(0, std::string(where) + ": ");
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace wakebuilder

#define WAKEBUILDER_CONCAT_IMPL(a, b) a##b
#define WAKEBUILDER_CONCAT(a, b) WAKEBUILDER_CONCAT_IMPL(a, b)

#define WAKEBUILDER_TRY_IMPL(result, declaration, ...)                \
  auto result = (__VA_ARGS__);                                        \
  if (!result) return ::wakebuilder::fail(std::move(result).error()); \
  declaration = *std::move(result)

/// Evaluates a Result; returns its error from the current function, or binds its value:
/// `WAKEBUILDER_TRY(auto header, read_header(in));`.
#define WAKEBUILDER_TRY(declaration, ...) \
  WAKEBUILDER_TRY_IMPL(WAKEBUILDER_CONCAT(wakebuilder_result_, __LINE__), declaration, __VA_ARGS__)

/// The same for Result<void>: `WAKEBUILDER_CHECK(skip(in, 4));`.
#define WAKEBUILDER_CHECK(...)                                           \
  do {                                                                   \
    if (auto wakebuilder_status = (__VA_ARGS__); !wakebuilder_status)    \
      return ::wakebuilder::fail(std::move(wakebuilder_status).error()); \
  } while (false)
