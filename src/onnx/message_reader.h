// Walks the fields of one protobuf message. The first mistake ends all readers of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wakebuilder/core/byte_reader.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/onnx/graph.h"

#include "onnx/wire.h"

namespace wakebuilder::onnx {

/// What the readers of one file share.
struct ReadState {
  std::span<const std::byte> file;
  std::shared_ptr<const void> owner;
  std::uint64_t memory_left = 0;  ///< bytes that lists may still take
  std::optional<Error> error;     ///< once set, every reader is at its end
};

/// Usage:
/// ```
/// while (in.next()) {
///   switch (in.field()) {
///     case 1: in.get(out.name); break;
///     case 2: read(in.child("TypeProto"), out.type.emplace()); break;
///     default: in.keep(out.other_fields);
///   }
/// }
/// ```
/// A field of another wire type than the one asked for is an error, unlike in protobuf, which would
/// take it for an unknown field: no writer makes one, random bytes do.
class MessageReader {
 public:
  /// @param name  of the message type, for error sentences
  MessageReader(ReadState& state, std::string_view name, std::span<const std::byte> bytes,
                int depth = 0);

  /// Moves to the next field; false at the end and after an error.
  bool next();

  std::uint32_t field() const { return field_; }

  void get(std::string& out);
  void get(std::int64_t& out);
  void get(std::int32_t& out);
  void get(float& out);
  void get(std::optional<Blob>& out);

  void add(std::vector<std::string>& out);
  /// Packed or not.
  void add(std::vector<std::int64_t>& out);
  void add(std::vector<std::int32_t>& out);
  void add(std::vector<std::uint64_t>& out);
  void add(std::vector<float>& out);
  void add(std::vector<double>& out);

  /// The nested message in this field.
  MessageReader child(std::string_view name);

  /// Room for one more element of a list.
  template <class T>
  T& append(std::vector<T>& list) {
    charge(sizeof(T));
    return list.emplace_back();
  }

  /// Appends this field as it is in the file, tag and all.
  void keep(std::string& out);

  /// Ends the reading with a sentence about this field.
  void reject(const std::string& why);

 private:
  bool read_tag();
  bool read_payload();
  bool skip_group();
  std::optional<std::uint64_t> varint();
  bool expect(wire::Type type);
  void charge(std::uint64_t bytes);
  void corrupt(const std::string& sentence);
  bool overrun(std::uint64_t needed);
  std::size_t file_position() const;
  template <class T>
  void add_varints(std::vector<T>& out);
  template <class T>
  void add_fixed(std::vector<T>& out, wire::Type type);

  ReadState* state_;
  std::string_view name_;
  std::span<const std::byte> bytes_;
  core::ByteReader in_;
  int depth_;
  std::size_t field_start_ = 0;
  std::uint32_t field_ = 0;
  wire::Type type_ = wire::Type::kVarint;
  std::uint64_t value_ = 0;             ///< of a varint
  std::span<const std::byte> payload_;  ///< of everything else
};

}  // namespace wakebuilder::onnx
