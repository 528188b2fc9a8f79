#include "capi/failure.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>

#include "wakebuilder/wakebuilder.h"

namespace wakebuilder::capi {
namespace {

constexpr std::size_t kMaxBytes = 2000;

struct Failure {
  int code = WAKEBUILDER_OK;
  std::array<char, kMaxBytes + 1> sentence{};
};

thread_local Failure newest;

int code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return WAKEBUILDER_INVALID_ARGUMENT;
    case ErrorCode::kNotFound:
      return WAKEBUILDER_NOT_FOUND;
    case ErrorCode::kCorrupt:
      return WAKEBUILDER_CORRUPT;
    case ErrorCode::kUnsupported:
      return WAKEBUILDER_UNSUPPORTED;
    case ErrorCode::kMismatch:
      return WAKEBUILDER_MISMATCH;
    case ErrorCode::kCheckFailed:
      return WAKEBUILDER_CHECK_FAILED;
    case ErrorCode::kIo:
      return WAKEBUILDER_IO;
    case ErrorCode::kUnavailable:
      return WAKEBUILDER_UNAVAILABLE;
  }
  return WAKEBUILDER_INTERNAL;
}

bool continues_a_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80; }

/// At most kMaxBytes, without half a character at the end.
std::string_view shortened(std::string_view text) {
  if (text.size() <= kMaxBytes) return text;
  std::size_t end = kMaxBytes;
  while (end > 0 && continues_a_character(text[end])) --end;
  return text.substr(0, end);
}

}  // namespace

void keep_failure(int code, std::string_view sentence) noexcept {
  newest.code = code;
  const auto kept = shortened(sentence);
  *std::ranges::copy(kept, newest.sentence.begin()).out = '\0';
}

void keep_failure(const Error& error) noexcept { keep_failure(code_of(error.code), error.message); }

void keep_exception() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    keep_failure(WAKEBUILDER_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& exception) {
    keep_failure(WAKEBUILDER_INTERNAL, exception.what());
  } catch (...) {
    keep_failure(WAKEBUILDER_INTERNAL, "an exception of an unknown kind");
  }
}

int failure_code() noexcept { return newest.code; }
const char* failure_sentence() noexcept { return newest.sentence.data(); }

}  // namespace wakebuilder::capi
