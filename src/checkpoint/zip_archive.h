// Reads the directory of a zip archive, strictly.
//
// Layout: records (local header, name, extra field, data, perhaps a data descriptor), then the
// central directory, perhaps the zip64 end record and its locator, then the end record and its
// comment. The directory is the truth, and whatever is said twice must agree: tools that look at
// different places would see different archives otherwise. Source: PKWARE APPNOTE 6.3.10;
// docs/formats/pytorch.md has the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wakebuilder/core/result.h"

namespace wakebuilder::checkpoint {

/// One member of an archive.
struct ZipRecord {
  std::string name;
  bool deflated = false;
  std::uint32_t crc = 0;
  std::uint64_t size = 0;             ///< of the content
  std::span<const std::byte> packed;  ///< what is stored: the content itself, or its deflate stream
};

/// A zip archive whose structure has been checked: names are plain, unique relative paths, the
/// parts do not overlap, local headers and directory agree, everything lies inside the file.
/// Contents are not checked.
class ZipArchive {
 public:
  /// `bytes` must outlive the archive. Errors: kCorrupt; kUnsupported for encryption and for
  /// methods other than "stored" and "deflated".
  static Result<ZipArchive> open(std::span<const std::byte> bytes);

  const std::vector<ZipRecord>& records() const { return records_; }

  /// The record of this exact name, or null.
  const ZipRecord* find(std::string_view name) const;

 private:
  std::vector<ZipRecord> records_;
  std::unordered_map<std::string, std::size_t> by_name_;
};

/// True when `content` is what the record's CRC-32 was taken of.
bool crc_matches(const ZipRecord& record, std::span<const std::byte> content);

/// The content of a deflated record. Allocates record.size bytes: to be called within a budget.
/// Errors: kCorrupt when the stream is damaged, or gives more or less than record.size bytes.
Result<std::vector<std::byte>> inflate_record(const ZipRecord& record);

}  // namespace wakebuilder::checkpoint
