// Writes zip archives the way torch.save does: stored records, data at multiples of 64 bytes, zip64
// end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/result.h"

namespace wakebuilder::checkpoint {

/// Takes the bytes of a file from its beginning to its end.
using ByteSink = std::function<Result<void>(std::span<const std::byte>)>;

/// Writes an archive from front to back: records, then finish(). Time stamps are zero, so that the
/// same content gives the same bytes.
class ZipWriter {
 public:
  explicit ZipWriter(ByteSink sink) : sink_(std::move(sink)) {}

  /// Appends a record. @pre `name` fits 16 bits. Errors: those of the sink.
  Result<void> add(std::string name, std::span<const std::byte> content);

  /// Writes the directory and the end records. To be called once, last.
  Result<void> finish();

 private:
  struct Entry {
    std::string name;
    std::uint32_t crc;
    std::uint64_t size;
    std::uint64_t offset;
  };

  Result<void> write(const std::string& bytes);
  static std::string local_header(const Entry& entry);
  static std::string directory_entry(const Entry& entry);

  ByteSink sink_;
  std::vector<Entry> entries_;
  std::uint64_t position_ = 0;
};

}  // namespace wakebuilder::checkpoint
