// Contracts between our own functions. Bad input is a Result; a broken contract is a bug.
#pragma once

namespace wakebuilder::core {

/// Throws std::logic_error that names the broken condition and its place.
[[noreturn]] void contract_broken(const char* condition, const char* file, int line);

}  // namespace wakebuilder::core

/// Checks a precondition in every build; throws std::logic_error when it does not hold.
#define WAKEBUILDER_EXPECT(condition) \
  ((condition) ? static_cast<void>(0) \
               : ::wakebuilder::core::contract_broken(#condition, __FILE__, __LINE__))
