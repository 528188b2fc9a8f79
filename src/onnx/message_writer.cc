#include "onnx/message_writer.h"

#include <array>

namespace wakebuilder::onnx {

void MessageWriter::start_writing(ByteSink& sink) {
  sink_ = &sink;
  size_ = 0;
  next_length_ = 0;
}

void MessageWriter::put(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  if (sink_ != nullptr) sink_->append(bytes);
}

void MessageWriter::varint(std::uint64_t value) {
  std::array<std::byte, 10> digits{};
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7U) digits[size++] = static_cast<std::byte>(value | 0x80U);
  digits[size++] = static_cast<std::byte>(value);
  put(std::span(digits).first(size));
}

void MessageWriter::text(std::uint32_t field, std::string_view text) {
  bytes(field, std::as_bytes(std::span(text)));
}

void MessageWriter::bytes(std::uint32_t field, std::span<const std::byte> bytes) {
  tag(field, wire::Type::kBytes);
  varint(bytes.size());
  put(bytes);
}

void MessageWriter::integer(std::uint32_t field, std::int64_t value) {
  tag(field, wire::Type::kVarint);
  varint(static_cast<std::uint64_t>(value));
}

void MessageWriter::number(std::uint32_t field, float value) {
  tag(field, wire::Type::kFixed32);
  put(std::as_bytes(std::span(&value, 1)));
}

void MessageWriter::text_unless_empty(std::uint32_t field, std::string_view value) {
  if (!value.empty()) text(field, value);
}

void MessageWriter::integer_unless_zero(std::uint32_t field, std::int64_t value) {
  if (value != 0) integer(field, value);
}

}  // namespace wakebuilder::onnx
