// Python integers of any size: two's complement, least significant byte first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wakebuilder/core/value.h"

namespace wakebuilder::checkpoint {

/// The bytes without those at the end that only repeat the sign.
std::string_view without_padding(std::string_view bytes);

/// The number in at most 8 bytes; no bytes are 0. @pre bytes.size() <= 8
std::int64_t small_integer(std::string_view bytes);

/// The number in any count of bytes, as decimal digits.
core::BigInteger big_integer(std::string_view bytes);

/// The number in any count of bytes: an int where it fits 64 bits, else a core::BigInteger.
core::Value integer_value(std::string_view bytes);

/// The inverse of big_integer, with as few bytes as the sign allows. Nothing when the digits are no
/// integer.
std::optional<std::string> integer_bytes(const core::BigInteger& number);

}  // namespace wakebuilder::checkpoint
