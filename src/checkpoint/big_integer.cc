#include "checkpoint/big_integer.h"

#include <algorithm>
#include <vector>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::checkpoint {
namespace {

constexpr std::uint64_t kChunk = 1'000'000'000;  // the decimal digits that fit 32 bits
constexpr std::size_t kChunkDigits = 9;

using Limbs = std::vector<std::uint32_t>;  // least significant first

void negate(Limbs& limbs) {
  std::uint64_t carry = 1;
  for (std::uint32_t& limb : limbs) {
    carry += static_cast<std::uint32_t>(~limb);
    limb = static_cast<std::uint32_t>(carry);
    carry >>= 32U;
  }
}

bool is_negative(std::string_view bytes) {
  return !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80U) != 0;
}

/// Divides by 10^9 in place and gives the rest.
std::uint32_t divide(Limbs& limbs) {
  std::uint64_t rest = 0;
  for (auto limb = limbs.rbegin(); limb != limbs.rend(); ++limb) {
    rest = (rest << 32U) | *limb;
    *limb = static_cast<std::uint32_t>(rest / kChunk);
    rest %= kChunk;
  }
  while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
  return static_cast<std::uint32_t>(rest);
}

Limbs limbs_of(std::string_view bytes) {
  Limbs limbs(bytes.size() / 4 + 1, is_negative(bytes) ? 0xffffffffU : 0U);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t shift = 8 * (i % 4);
    limbs[i / 4] &= ~(std::uint32_t{0xff} << shift);
    limbs[i / 4] |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << shift;
  }
  return limbs;
}

}  // namespace

std::string_view without_padding(std::string_view bytes) {
  const char sign = is_negative(bytes) ? '\xff' : '\0';
  while (bytes.size() > 1 && bytes.back() == sign &&
         is_negative(bytes.substr(0, bytes.size() - 1)) == is_negative(bytes)) {
    bytes.remove_suffix(1);
  }
  return bytes;
}

std::int64_t small_integer(std::string_view bytes) {
  WAKEBUILDER_EXPECT(bytes.size() <= sizeof(std::int64_t));
  std::uint64_t bits = is_negative(bytes) ? ~std::uint64_t{0} : 0;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    bits = (bits << 8U) | static_cast<unsigned char>(*byte);
  }
  return static_cast<std::int64_t>(bits);
}

core::BigInteger big_integer(std::string_view bytes) {
  Limbs limbs = limbs_of(bytes);
  if (is_negative(bytes)) negate(limbs);
  std::string reversed;
  do {
    std::uint32_t chunk = divide(limbs);
    for (std::size_t i = 0; i < kChunkDigits && (chunk != 0 || !limbs.empty()); ++i, chunk /= 10) {
      reversed.push_back(static_cast<char>('0' + chunk % 10));
    }
  } while (!limbs.empty());
  if (reversed.empty()) return {"0"};
  if (is_negative(bytes)) reversed.push_back('-');
  std::reverse(reversed.begin(), reversed.end());
  return {std::move(reversed)};
}

core::Value integer_value(std::string_view bytes) {
  const std::string_view plain = without_padding(bytes);
  if (plain.size() <= sizeof(std::int64_t)) return {small_integer(plain)};
  return {big_integer(plain)};
}

std::optional<std::string> integer_bytes(const core::BigInteger& number) {
  std::string_view digits = number.digits;
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  Limbs limbs{0};
  for (const char digit : digits) {
    auto carry = static_cast<std::uint64_t>(digit - '0');
    for (std::uint32_t& limb : limbs) {
      carry += std::uint64_t{limb} * 10;
      limb = static_cast<std::uint32_t>(carry);
      carry >>= 32U;
    }
    if (carry != 0) limbs.push_back(static_cast<std::uint32_t>(carry));
  }
  limbs.push_back(0);  // room for the sign
  if (negative) negate(limbs);
  std::string bytes;
  for (const std::uint32_t limb : limbs) {
    for (unsigned shift = 0; shift < 32; shift += 8)
      bytes.push_back(static_cast<char>(limb >> shift));
  }
  bytes.resize(without_padding(bytes).size());
  return bytes;
}

}  // namespace wakebuilder::checkpoint
