// Writes protobuf messages in two passes over the same code.
//
// A nested message begins with its length, which is known only when its contents are. So the first
// pass counts, noting the length of each message in the order in which they begin, and the second
// writes and takes the lengths from the notes. (protobuf caches sizes in the messages themselves.)
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "onnx/wire.h"

namespace wakebuilder::onnx {

/// Takes the bytes of the second pass.
class ByteSink {
 public:
  ByteSink() = default;
  ByteSink(const ByteSink&) = delete;
  ByteSink& operator=(const ByteSink&) = delete;
  virtual ~ByteSink() = default;
  virtual void append(std::span<const std::byte> bytes) = 0;
};

class MessageWriter {
 public:
  /// Begins the second pass. @pre the first pass has gone over the same model
  void start_writing(ByteSink& sink);

  /// Bytes so far in this pass.
  std::size_t size() const { return size_; }

  void text(std::uint32_t field, std::string_view text);
  void bytes(std::uint32_t field, std::span<const std::byte> bytes);
  void integer(std::uint32_t field, std::int64_t value);
  void number(std::uint32_t field, float value);

  /// As text() and integer(), but nothing for "" and 0.
  void text_unless_empty(std::uint32_t field, std::string_view value);
  void integer_unless_zero(std::uint32_t field, std::int64_t value);

  template <class T>
  void packed_integers(std::uint32_t field, const std::vector<T>& values);
  template <class T>
  void packed_numbers(std::uint32_t field, const std::vector<T>& values);

  /// Fields that are in wire form already.
  void raw(std::string_view fields) { put(std::as_bytes(std::span(fields))); }

  /// A nested message; `body()` writes its fields.
  template <class Body>
  void message(std::uint32_t field, Body&& body);

 private:
  void put(std::span<const std::byte> bytes);
  void varint(std::uint64_t value);
  void tag(std::uint32_t field, wire::Type type) { varint(wire::tag(field, type)); }

  ByteSink* sink_ = nullptr;  ///< null in the first pass
  std::size_t size_ = 0;
  std::vector<std::size_t> lengths_;
  std::size_t next_length_ = 0;
};

// A negative int32 is written as the int64 of the same value, ten bytes long.
template <class T>
void MessageWriter::packed_integers(std::uint32_t field, const std::vector<T>& values) {
  if (values.empty()) return;
  std::size_t length = 0;
  for (const T value : values) length += wire::varint_size(static_cast<std::uint64_t>(value));
  tag(field, wire::Type::kBytes);
  varint(length);
  for (const T value : values) varint(static_cast<std::uint64_t>(value));
}

template <class T>
void MessageWriter::packed_numbers(std::uint32_t field, const std::vector<T>& values) {
  static_assert(std::endian::native == std::endian::little);
  if (!values.empty()) bytes(field, std::as_bytes(std::span(values)));
}

template <class Body>
void MessageWriter::message(std::uint32_t field, Body&& body) {
  tag(field, wire::Type::kBytes);
  if (sink_ != nullptr) {
    varint(lengths_[next_length_++]);
    body();
    return;
  }
  const std::size_t slot = lengths_.size();
  lengths_.push_back(0);
  const std::size_t start = size_;
  body();
  lengths_[slot] = size_ - start;
  size_ += wire::varint_size(lengths_[slot]);
}

}  // namespace wakebuilder::onnx
