#include "onnx/message_reader.h"

#include <algorithm>
#include <cstring>

#include "wakebuilder/onnx/read.h"

namespace wakebuilder::onnx {

MessageReader::MessageReader(ReadState& state, std::string_view name,
                             std::span<const std::byte> bytes, int depth)
    : state_(&state), name_(name), bytes_(bytes), in_(bytes), depth_(depth) {}

bool MessageReader::next() {
  if (state_->error || in_.at_end()) return false;
  field_start_ = in_.position();
  field_ = 0;
  return read_tag() && read_payload();
}

bool MessageReader::read_tag() {
  const auto tag = varint();
  if (!tag) return false;
  const std::uint64_t number = *tag >> 3U;
  if (number == 0 || number > wire::kMaxFieldNumber || (*tag & 7U) > 5) {
    corrupt("no field of " + std::string(name_) + " begins there");
    return false;
  }
  field_ = static_cast<std::uint32_t>(number);
  type_ = static_cast<wire::Type>(*tag & 7U);
  return true;
}

bool MessageReader::read_payload() {
  std::uint64_t size = 0;
  switch (type_) {
    case wire::Type::kVarint: {
      const auto value = varint();
      value_ = value.value_or(0);
      return value.has_value();
    }
    case wire::Type::kGroupStart:
      return skip_group();
    case wire::Type::kGroupEnd:
      corrupt("a group ends that did not begin");
      return false;
    case wire::Type::kFixed32:
      size = 4;
      break;
    case wire::Type::kFixed64:
      size = 8;
      break;
    case wire::Type::kBytes: {
      const auto length = varint();
      if (!length) return false;
      size = *length;
    }
  }
  const auto payload = in_.bytes(size);
  if (!payload) return overrun(size);
  payload_ = *payload;
  return true;
}

// A group has no length: its fields are walked until the end tag of the outermost one.
bool MessageReader::skip_group() {
  const std::uint32_t outermost = field_;
  std::vector<std::uint32_t> open = {outermost};
  while (!open.empty()) {
    if (!read_tag()) return false;
    if (type_ == wire::Type::kGroupStart) {
      open.push_back(field_);
      if (depth_ + static_cast<int>(open.size()) > kMaxNesting) {
        corrupt("messages nest deeper than " + std::to_string(kMaxNesting));
        return false;
      }
    } else if (type_ == wire::Type::kGroupEnd) {
      if (open.back() != field_) {
        corrupt("a group ends that did not begin");
        return false;
      }
      open.pop_back();
    } else if (!read_payload()) {
      return false;
    }
  }
  field_ = outermost;
  type_ = wire::Type::kGroupStart;
  return true;
}

std::optional<std::uint64_t> MessageReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    const auto byte = in_.number<std::uint8_t>();
    if (!byte) {
      overrun(1);
      return std::nullopt;
    }
    value |= static_cast<std::uint64_t>(*byte & 0x7fU) << shift;
    if (*byte < 0x80) return value;
  }
  corrupt("a number is longer than ten bytes");
  return std::nullopt;
}

void MessageReader::get(std::string& out) {
  if (!expect(wire::Type::kBytes)) return;
  out.assign(reinterpret_cast<const char*>(payload_.data()), payload_.size());
}

void MessageReader::get(std::int64_t& out) {
  if (expect(wire::Type::kVarint)) out = static_cast<std::int64_t>(value_);
}

void MessageReader::get(std::int32_t& out) {
  if (expect(wire::Type::kVarint)) out = static_cast<std::int32_t>(value_);
}

void MessageReader::get(float& out) {
  if (expect(wire::Type::kFixed32)) std::memcpy(&out, payload_.data(), sizeof(out));
}

void MessageReader::get(std::optional<Blob>& out) {
  if (expect(wire::Type::kBytes)) out = Blob{payload_, state_->owner};
}

void MessageReader::add(std::vector<std::string>& out) {
  if (expect(wire::Type::kBytes)) get(append(out));
}

void MessageReader::add(std::vector<std::int64_t>& out) { add_varints(out); }
void MessageReader::add(std::vector<std::int32_t>& out) { add_varints(out); }
void MessageReader::add(std::vector<std::uint64_t>& out) { add_varints(out); }
void MessageReader::add(std::vector<float>& out) { add_fixed(out, wire::Type::kFixed32); }
void MessageReader::add(std::vector<double>& out) { add_fixed(out, wire::Type::kFixed64); }

template <class T>
void MessageReader::add_varints(std::vector<T>& out) {
  if (type_ != wire::Type::kBytes) {
    if (expect(wire::Type::kVarint)) append(out) = static_cast<T>(value_);
    return;
  }
  // Each number has exactly one byte below 0x80, its last: so much room is needed, and no more.
  const auto count = static_cast<std::size_t>(std::count_if(
      payload_.begin(), payload_.end(), [](std::byte b) { return b < std::byte{0x80}; }));
  charge(count * sizeof(T));
  if (state_->error) return;
  out.reserve(out.size() + count);
  MessageReader numbers(*state_, name_, payload_, depth_);
  while (!numbers.in_.at_end()) {
    const auto value = numbers.varint();
    if (!value) return;
    out.push_back(static_cast<T>(*value));
  }
}

template <class T>
void MessageReader::add_fixed(std::vector<T>& out, wire::Type type) {
  if (type_ == wire::Type::kBytes && payload_.size() % sizeof(T) != 0) {
    return reject("expected a multiple of " + std::to_string(sizeof(T)) + " bytes, found " +
                  std::to_string(payload_.size()));
  }
  if (type_ != wire::Type::kBytes && !expect(type)) return;
  const std::size_t before = out.size();
  const std::size_t count = payload_.size() / sizeof(T);
  charge(payload_.size());
  if (state_->error || count == 0) return;
  if (count > 1) out.reserve(before + count);
  out.resize(before + count);
  std::memcpy(out.data() + before, payload_.data(), payload_.size());
}

MessageReader MessageReader::child(std::string_view name) {
  if (!expect(wire::Type::kBytes)) return {*state_, name, {}, depth_};
  if (depth_ + 1 > kMaxNesting) corrupt("messages nest deeper than " + std::to_string(kMaxNesting));
  return {*state_, name, payload_, depth_ + 1};
}

void MessageReader::keep(std::string& out) {
  const auto whole = bytes_.subspan(field_start_, in_.position() - field_start_);
  out.append(reinterpret_cast<const char*>(whole.data()), whole.size());
}

void MessageReader::reject(const std::string& why) {
  corrupt("field " + std::to_string(field_) + " of " + std::string(name_) + ": " + why);
}

bool MessageReader::expect(wire::Type type) {
  if (state_->error) return false;
  if (type_ == type) return true;
  reject("expected wire type " + std::to_string(static_cast<int>(type)) + ", found " +
         std::to_string(static_cast<int>(type_)));
  return false;
}

void MessageReader::charge(std::uint64_t bytes) {
  if (state_->error) return;
  if (bytes <= state_->memory_left) {
    state_->memory_left -= bytes;
    return;
  }
  reject("its parts take far more memory than its size explains");
}

std::size_t MessageReader::file_position() const {
  if (bytes_.empty()) return 0;
  return static_cast<std::size_t>(bytes_.data() - state_->file.data()) + field_start_;
}

void MessageReader::corrupt(const std::string& sentence) {
  if (state_->error) return;
  state_->error = Error{ErrorCode::kCorrupt,
                        "is corrupt at byte " + std::to_string(file_position()) + ": " + sentence};
}

// The outermost message ends where the file ends: there, something is missing; elsewhere, something
// is wrong.
bool MessageReader::overrun(std::uint64_t needed) {
  if (state_->error) return false;
  const std::string sentence = (field_ == 0 ? "a field" : "field " + std::to_string(field_)) +
                               " of " + std::string(name_) + " needs " + std::to_string(needed) +
                               " bytes, " + std::to_string(in_.remaining()) + " are left";
  if (depth_ > 0) {
    corrupt(sentence);
    return false;
  }
  state_->error = Error{ErrorCode::kCorrupt,
                        "is truncated at byte " + std::to_string(bytes_.size()) + ": " + sentence};
  return false;
}

}  // namespace wakebuilder::onnx
