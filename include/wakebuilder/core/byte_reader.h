// Reads untrusted bytes: every step is checked against what remains.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::core {

static_assert(std::endian::native == std::endian::little, "file formats are read in place");

/// A position in a span of bytes that only moves inside it. Reads give nothing when too few bytes
/// remain, and then leave the position where it was: the caller knows what to say about it.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }
  bool at_end() const { return remaining() == 0; }

  /// Moves to an absolute position; false (and no move) when it lies behind the end.
  bool seek(std::uint64_t position) {
    if (position > bytes_.size()) return false;
    position_ = static_cast<std::size_t>(position);
    return true;
  }

  /// The next n bytes.
  std::optional<std::span<const std::byte>> bytes(std::uint64_t n) {
    if (remaining() < n) return std::nullopt;
    const auto part = bytes_.subspan(position_, static_cast<std::size_t>(n));
    position_ += part.size();
    return part;
  }

  /// The next n bytes as text (no encoding is checked).
  std::optional<std::string_view> text(std::uint64_t n) {
    const auto part = bytes(n);
    if (!part) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(part->data()), part->size());
  }

  /// A little-endian number of any alignment.
  template <class T>
  requires std::integral<T> || std::floating_point<T> std::optional<T> number() {
    const auto part = bytes(sizeof(T));
    if (!part) return std::nullopt;
    T value;
    std::memcpy(&value, part->data(), sizeof(T));
    return value;
  }

  /// Text up to and without `end`, which is skipped; nothing when `end` does not come.
  std::optional<std::string_view> text_until(char end) {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_,
                                remaining());
    const auto length = rest.find(end);
    if (length == std::string_view::npos) return std::nullopt;
    position_ += length + 1;
    return rest.substr(0, length);
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

}  // namespace wakebuilder::core
