// The protobuf wire format, as far as reader and writer share it.
//
// A message is a row of fields. Each begins with a tag, number * 8 + wire type, as a varint: seven
// bits a byte, lowest first, the top bit set on all but the last. Then comes, by wire type,
//   0 varint     int64, int32 (negative: ten bytes), enumerations
//   1 fixed64    double
//   2 bytes      a length as varint, then that many bytes: text, bytes, a nested message, or the
//                values of a packed repeated field
//   3, 4 group   fields between a start and an end tag (abandoned; only skipped)
//   5 fixed32    float
// Source: "Encoding", Protocol Buffers documentation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wakebuilder::onnx::wire {

enum class Type : std::uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kGroupStart = 3,
  kGroupEnd = 4,
  kFixed32 = 5,
};

inline constexpr std::uint64_t kMaxFieldNumber = (1U << 29U) - 1;

/// The tag of a field.
constexpr std::uint64_t tag(std::uint32_t number, Type type) {
  return (std::uint64_t{number} << 3U) | static_cast<std::uint64_t>(type);
}

/// Bytes of a varint, 1 to 10.
constexpr std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7U) ++size;
  return size;
}

}  // namespace wakebuilder::onnx::wire
