// SHA-256 fingerprints of files.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace wakebuilder::core {

/// FIPS 180-4 SHA-256 of `bytes`, as 64 hexadecimal digits.
std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace wakebuilder::core
