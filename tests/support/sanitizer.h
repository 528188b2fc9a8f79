// Whether a sanitizer watches: it slows programs down and takes memory of its own.
#pragma once

namespace wakebuilder::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace wakebuilder::test
