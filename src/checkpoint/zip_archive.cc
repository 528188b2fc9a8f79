#include "checkpoint/zip_archive.h"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <optional>
#include <unordered_set>
#include <utility>

#include <zlib.h>

#include "wakebuilder/core/checked.h"
#include "wakebuilder/core/text.h"

#include "checkpoint/limits.h"
#include "checkpoint/zip_format.h"

namespace wakebuilder::checkpoint {
namespace {

using Span = std::span<const std::byte>;

tl::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, "truncated or damaged zip: " + std::move(message));
}

tl::unexpected<Error> corrupt_record(std::string_view name, std::string_view message) {
  return fail(ErrorCode::kCorrupt, "record " + core::quote(name) + ": " + std::string(message));
}

/// The part of `bytes` from `offset` on that is `size` long, if it is there.
std::optional<Span> part(Span bytes, std::uint64_t offset, std::uint64_t size) {
  if (offset > bytes.size() || bytes.size() - offset < size) return std::nullopt;
  return bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

/// A little-endian number inside a header whose length has been checked.
template <std::unsigned_integral T>
T field(Span header, std::size_t offset) {
  T value = 0;
  std::memcpy(&value, header.subspan(offset, sizeof(T)).data(), sizeof(T));
  return value;
}

bool starts_with(Span bytes, std::uint32_t signature) {
  return bytes.size() >= 4 && field<std::uint32_t>(bytes, 0) == signature;
}

std::string_view text_of(Span bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// ---- The end of the archive --------------------------------------------------------------------

/// Where the directory is.
struct Directory {
  std::uint64_t count = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// The last end record whose comment reaches exactly to the end of the file.
std::optional<std::size_t> find_end_record(Span bytes) {
  if (bytes.size() < zip::kEndBytes) return std::nullopt;
  const std::size_t last = bytes.size() - zip::kEndBytes;
  const std::size_t first = last > 0xffff ? last - 0xffff : 0;
  for (std::size_t at = last + 1; at-- > first;) {
    const Span end = bytes.subspan(at);
    if (starts_with(end, zip::kEndSignature) && field<std::uint16_t>(end, 20) == last - at)
      return at;
  }
  return std::nullopt;
}

/// True when a small field of the end record and its zip64 counterpart do not contradict each
/// other.
template <class T>
bool agrees(T small, std::uint64_t large, T saturated) {
  return small == saturated || small == large;
}

/// Replaces what the end record says by the zip64 end record at the locator that stands before
/// `end_at`. Gives where the end records begin.
Result<std::size_t> read_zip64_end(Span bytes, std::size_t end_at, Directory& directory) {
  const Span locator = bytes.subspan(end_at - zip::kZip64LocatorBytes, zip::kZip64LocatorBytes);
  const auto at = field<std::uint64_t>(locator, 8);
  const auto end = part(bytes, at, zip::kZip64EndBytes);
  if (!end || !starts_with(*end, zip::kZip64EndSignature)) {
    return corrupt("the zip64 locator points to no zip64 end record");
  }
  const auto size = core::checked_add(field<std::uint64_t>(*end, 4), 12 + at);
  if (!size || *size != end_at - zip::kZip64LocatorBytes || field<std::uint32_t>(locator, 4) != 0 ||
      field<std::uint32_t>(locator, 16) > 1) {
    return corrupt("the zip64 end record does not end at its locator");
  }
  const Directory large{.count = field<std::uint64_t>(*end, 32),
                        .offset = field<std::uint64_t>(*end, 48),
                        .size = field<std::uint64_t>(*end, 40)};
  if (field<std::uint32_t>(*end, 16) != 0 || field<std::uint32_t>(*end, 20) != 0 ||
      field<std::uint64_t>(*end, 24) != large.count) {
    return corrupt("it spans several disks");
  }
  if (!agrees(static_cast<std::uint16_t>(directory.count), large.count, zip::kInZip64End) ||
      !agrees(static_cast<std::uint32_t>(directory.size), large.size, zip::kInZip64Extra) ||
      !agrees(static_cast<std::uint32_t>(directory.offset), large.offset, zip::kInZip64Extra)) {
    return corrupt("the end record and the zip64 end record contradict each other");
  }
  directory = large;
  return static_cast<std::size_t>(at);
}

Result<Directory> find_directory(Span bytes) {
  const auto end_at = find_end_record(bytes);
  if (!end_at) return corrupt("it has no end record");
  const Span end = bytes.subspan(*end_at);
  if (field<std::uint16_t>(end, 4) != 0 || field<std::uint16_t>(end, 6) != 0 ||
      field<std::uint16_t>(end, 8) != field<std::uint16_t>(end, 10)) {
    return corrupt("it spans several disks");
  }
  Directory directory{.count = field<std::uint16_t>(end, 10),
                      .offset = field<std::uint32_t>(end, 16),
                      .size = field<std::uint32_t>(end, 12)};
  std::size_t ends_begin = *end_at;
  if (*end_at >= zip::kZip64LocatorBytes &&
      starts_with(bytes.subspan(*end_at - zip::kZip64LocatorBytes), zip::kZip64LocatorSignature)) {
    WAKEBUILDER_TRY(ends_begin, read_zip64_end(bytes, *end_at, directory));
  }
  const auto directory_end = core::checked_add(directory.offset, directory.size);
  if (!directory_end || *directory_end != ends_begin) {
    return corrupt("the directory does not end where the end record begins");
  }
  if (directory.count > kMaxZipRecords) {
    return fail(ErrorCode::kCorrupt, "the zip says that it has " + std::to_string(directory.count) +
                                         " records, more than " + std::to_string(kMaxZipRecords));
  }
  return directory;
}

// ---- Entries -----------------------------------------------------------------------------------

/// A directory entry, and later what its local header adds.
struct Entry {
  std::string name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  ///< of the local header
  std::uint64_t data_offset = 0;
  std::uint64_t end = 0;  ///< behind the data and its descriptor
};

/// The body of the zip64 extra field; empty when there is none. Errors: a field that is longer than
/// the rest.
Result<Span> zip64_extra(std::string_view name, Span extra) {
  Span found;
  while (extra.size() >= 4) {
    const auto id = field<std::uint16_t>(extra, 0);
    const auto body = part(extra, 4, field<std::uint16_t>(extra, 2));
    if (!body) return corrupt_record(name, "an extra field is longer than the space it lies in");
    if (id == zip::kZip64ExtraId) {
      if (found.data() != nullptr) return corrupt_record(name, "it has two zip64 extra fields");
      found = *body;
    }
    extra = extra.subspan(4 + body->size());
  }
  return found;
}

/// Takes the next 64-bit number of a zip64 extra field where the 32-bit one says that it is there.
Result<void> widen(std::string_view name, std::uint64_t& value, Span& extra) {
  if (value != zip::kInZip64Extra) return {};
  if (extra.size() < 8) return corrupt_record(name, "its zip64 extra field is too short");
  value = field<std::uint64_t>(extra, 0);
  extra = extra.subspan(8);
  return {};
}

/// Names are relative paths of plain parts: nothing that another tool would read as another place.
Result<void> check_name(std::string_view name) {
  const auto refuse = [&](std::string_view why) { return corrupt_record(name, why); };
  if (name.empty() || name.size() > kMaxRecordNameBytes)
    return refuse("its name is empty or too long");
  if (!core::is_utf8(name)) return refuse("its name is not UTF-8");
  for (const char c : name) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f || c == '\\') {
      return refuse("its name holds a control character or a backslash");
    }
  }
  std::string_view rest = name.ends_with('/') ? name.substr(0, name.size() - 1) : name;
  while (true) {
    const auto slash = rest.find('/');
    const auto step = rest.substr(0, slash);
    if (step.empty() || step == "." || step == "..") return refuse("its name leaves the archive");
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

/// What an entry may be: a plain file or a folder, stored or deflated, not encrypted.
Result<void> check_kind(const Entry& entry, std::uint16_t made_by, std::uint32_t attributes) {
  constexpr std::uint16_t kKnownFlags =
      zip::kFlagCompressionLevel | zip::kFlagDescriptor | zip::kFlagUtf8;
  if ((entry.flags & ~kKnownFlags) != 0) {
    return fail(ErrorCode::kUnsupported, "record " + core::quote(entry.name) +
                                             ": it is encrypted, patched or masked (flags " +
                                             std::to_string(entry.flags) +
                                             "); save the checkpoint again without that");
  }
  if (entry.method != zip::kStored && entry.method != zip::kDeflated) {
    return fail(ErrorCode::kUnsupported,
                "record " + core::quote(entry.name) + ": compression method " +
                    std::to_string(entry.method) + "; only stored (0) and deflated (8) are read");
  }
  if (entry.method == zip::kStored && entry.packed_size != entry.size) {
    return corrupt_record(entry.name, "it is stored, yet its two sizes differ");
  }
  constexpr std::uint16_t kUnix = 3;
  const std::uint32_t type = (attributes >> 16) & 0170000U;
  if (made_by >> 8 == kUnix && type != 0 && type != 0100000 && type != 0040000) {
    return corrupt_record(entry.name, "it is a symbolic link or a device");
  }
  if (entry.name.ends_with('/') && entry.packed_size != 0) {
    return corrupt_record(entry.name, "it is a folder with content");
  }
  return {};
}

/// Reads the entry at the start of `rest`, and moves `rest` behind it.
Result<Entry> read_entry(Span& rest) {
  const auto header = part(rest, 0, zip::kDirectoryBytes);
  if (!header || !starts_with(*header, zip::kDirectorySignature)) {
    return corrupt("the directory ends within an entry");
  }
  const std::uint64_t name_size = field<std::uint16_t>(*header, 28);
  const std::uint64_t extra_size = field<std::uint16_t>(*header, 30);
  const std::uint64_t comment_size = field<std::uint16_t>(*header, 32);
  const auto tail = part(rest, zip::kDirectoryBytes, name_size + extra_size + comment_size);
  if (!tail) return corrupt("the directory ends within an entry");
  rest = rest.subspan(zip::kDirectoryBytes + tail->size());

  Entry entry;
  entry.name = text_of(tail->first(name_size));
  entry.flags = field<std::uint16_t>(*header, 8);
  entry.method = field<std::uint16_t>(*header, 10);
  entry.crc = field<std::uint32_t>(*header, 16);
  entry.packed_size = field<std::uint32_t>(*header, 20);
  entry.size = field<std::uint32_t>(*header, 24);
  entry.offset = field<std::uint32_t>(*header, 42);
  WAKEBUILDER_CHECK(check_name(entry.name));
  WAKEBUILDER_TRY(Span extra, zip64_extra(entry.name, tail->subspan(name_size, extra_size)));
  WAKEBUILDER_CHECK(widen(entry.name, entry.size, extra));
  WAKEBUILDER_CHECK(widen(entry.name, entry.packed_size, extra));
  WAKEBUILDER_CHECK(widen(entry.name, entry.offset, extra));
  const auto disk = field<std::uint16_t>(*header, 34);
  if (disk != 0 && disk != zip::kInZip64End)
    return corrupt_record(entry.name, "it lies on another disk");
  WAKEBUILDER_CHECK(
      check_kind(entry, field<std::uint16_t>(*header, 4), field<std::uint32_t>(*header, 38)));
  return entry;
}

// ---- Local headers -----------------------------------------------------------------------------

/// Compares sizes and CRC of the local header with the directory; a streamed record may have zeros
/// there.
Result<void> check_local_sizes(const Entry& entry, Span header, Span extra_field) {
  WAKEBUILDER_TRY(Span extra, zip64_extra(entry.name, extra_field));
  std::uint64_t packed_size = field<std::uint32_t>(header, 18);
  std::uint64_t size = field<std::uint32_t>(header, 22);
  const auto crc = field<std::uint32_t>(header, 14);
  WAKEBUILDER_CHECK(widen(entry.name, size, extra));
  WAKEBUILDER_CHECK(widen(entry.name, packed_size, extra));
  const bool streamed = (entry.flags & zip::kFlagDescriptor) != 0;
  const auto agree = [&](std::uint64_t local, std::uint64_t central) {
    return local == central || (streamed && local == 0);
  };
  if (agree(crc, entry.crc) && agree(packed_size, entry.packed_size) && agree(size, entry.size))
    return {};
  return corrupt_record(entry.name,
                        "its local header and the directory give different sizes or CRC");
}

/// The length of the data descriptor at the start of `bytes`: with or without signature, 32 or 64
/// bits.
std::optional<std::uint64_t> descriptor_length(const Entry& entry, Span bytes) {
  const std::size_t start = starts_with(bytes, zip::kDescriptorSignature) ? 4 : 0;
  for (const std::size_t at : {start, std::size_t{0}}) {
    if (bytes.size() >= at + 12 && field<std::uint32_t>(bytes, at) == entry.crc &&
        field<std::uint32_t>(bytes, at + 4) == entry.packed_size &&
        field<std::uint32_t>(bytes, at + 8) == entry.size) {
      return at + 12;
    }
    if (bytes.size() >= at + 20 && field<std::uint32_t>(bytes, at) == entry.crc &&
        field<std::uint64_t>(bytes, at + 4) == entry.packed_size &&
        field<std::uint64_t>(bytes, at + 12) == entry.size) {
      return at + 20;
    }
  }
  return std::nullopt;
}

/// Fills in where the data is. `body` is the file up to the directory.
Result<void> read_local_header(Span body, Entry& entry) {
  const auto header = part(body, entry.offset, zip::kLocalBytes);
  if (!header || !starts_with(*header, zip::kLocalSignature)) {
    return corrupt_record(entry.name, "its local header is not where the directory says");
  }
  const std::uint64_t name_size = field<std::uint16_t>(*header, 26);
  const std::uint64_t extra_size = field<std::uint16_t>(*header, 28);
  const auto tail = part(body, entry.offset + zip::kLocalBytes, name_size + extra_size);
  if (!tail || text_of(tail->first(name_size)) != entry.name) {
    return corrupt_record(entry.name, "its local header has another name");
  }
  const std::uint32_t changed_flags =
      static_cast<std::uint32_t>(field<std::uint16_t>(*header, 6)) ^ entry.flags;
  if ((changed_flags & ~std::uint32_t{zip::kFlagCompressionLevel}) != 0 ||
      field<std::uint16_t>(*header, 8) != entry.method) {
    return corrupt_record(entry.name, "its local header has another method or other flags");
  }
  WAKEBUILDER_CHECK(check_local_sizes(entry, *header, tail->subspan(name_size)));
  entry.data_offset = entry.offset + zip::kLocalBytes + tail->size();
  const auto data = part(body, entry.data_offset, entry.packed_size);
  if (!data) return corrupt_record(entry.name, "its data does not fit the file");
  entry.end = entry.data_offset + entry.packed_size;
  if ((entry.flags & zip::kFlagDescriptor) == 0) return {};
  const auto length = descriptor_length(entry, body.subspan(static_cast<std::size_t>(entry.end)));
  if (!length) return corrupt_record(entry.name, "its data descriptor and the directory differ");
  entry.end += *length;
  return {};
}

Result<void> check_overlaps(const std::vector<Entry>& entries) {
  std::vector<const Entry*> by_offset;
  by_offset.reserve(entries.size());
  for (const Entry& entry : entries) by_offset.push_back(&entry);
  std::sort(by_offset.begin(), by_offset.end(),
            [](const Entry* a, const Entry* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < by_offset.size(); ++i) {
    if (by_offset[i]->offset >= by_offset[i - 1]->end) continue;
    return corrupt_record(by_offset[i]->name,
                          "it overlaps record " + core::quote(by_offset[i - 1]->name));
  }
  return {};
}

/// torch finds records without regard to case, so names that differ only there are twins too.
Result<void> check_twins(const std::vector<Entry>& entries) {
  std::unordered_set<std::string> seen;
  for (const Entry& entry : entries) {
    std::string folded = entry.name;
    for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (!seen.insert(std::move(folded)).second) {
      return corrupt_record(entry.name, "the archive has two records of this name");
    }
  }
  return {};
}

Result<std::vector<Entry>> read_entries(Span bytes, const Directory& directory) {
  Span rest = bytes.subspan(static_cast<std::size_t>(directory.offset),
                            static_cast<std::size_t>(directory.size));
  const Span body = bytes.first(static_cast<std::size_t>(directory.offset));
  if (rest.size() / zip::kDirectoryBytes < directory.count) {
    return corrupt("the directory is too short for " + std::to_string(directory.count) +
                   " records");
  }
  std::vector<Entry> entries;
  entries.reserve(static_cast<std::size_t>(directory.count));
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    WAKEBUILDER_TRY(Entry entry, read_entry(rest));
    WAKEBUILDER_CHECK(read_local_header(body, entry));
    entries.push_back(std::move(entry));
  }
  if (!rest.empty()) return corrupt("the directory is longer than its entries");
  WAKEBUILDER_CHECK(check_twins(entries));
  WAKEBUILDER_CHECK(check_overlaps(entries));
  return entries;
}

}  // namespace

Result<ZipArchive> ZipArchive::open(std::span<const std::byte> bytes) {
  WAKEBUILDER_TRY(const Directory directory, find_directory(bytes));
  WAKEBUILDER_TRY(std::vector<Entry> entries, read_entries(bytes, directory));
  ZipArchive archive;
  archive.records_.reserve(entries.size());
  for (Entry& entry : entries) {
    archive.by_name_.emplace(entry.name, archive.records_.size());
    archive.records_.push_back(
        ZipRecord{.name = std::move(entry.name),
                  .deflated = entry.method == zip::kDeflated,
                  .crc = entry.crc,
                  .size = entry.size,
                  .packed = bytes.subspan(static_cast<std::size_t>(entry.data_offset),
                                          static_cast<std::size_t>(entry.packed_size))});
  }
  return archive;
}

const ZipRecord* ZipArchive::find(std::string_view name) const {
  const auto found = by_name_.find(std::string(name));
  return found == by_name_.end() ? nullptr : &records_[found->second];
}

bool crc_matches(const ZipRecord& record, std::span<const std::byte> content) {
  const auto* data = reinterpret_cast<const Bytef*>(content.data());
  return ::crc32_z(0, data, content.size()) == record.crc;
}

Result<std::vector<std::byte>> inflate_record(const ZipRecord& record) {
  constexpr std::uint64_t kMaxSize = UINT32_MAX;  // zlib counts in 32 bits
  if (record.size > kMaxSize || record.packed.size() > kMaxSize) {
    return corrupt_record(record.name, "it is deflated and larger than 4 GiB");
  }
  std::vector<std::byte> content(static_cast<std::size_t>(record.size) +
                                 1);  // one more shows a longer stream
  z_stream stream{};
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) return fail(ErrorCode::kIo, "zlib cannot start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(record.packed.data()));
  stream.avail_in = static_cast<uInt>(record.packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(content.data());
  stream.avail_out = static_cast<uInt>(content.size());
  const int status = ::inflate(&stream, Z_FINISH);
  const bool complete =
      status == Z_STREAM_END && stream.total_out == record.size && stream.avail_in == 0;
  ::inflateEnd(&stream);
  if (!complete) {
    return corrupt_record(record.name, "its deflated data does not give the " +
                                           std::to_string(record.size) +
                                           " bytes that the directory says");
  }
  content.resize(static_cast<std::size_t>(record.size));
  return content;
}

}  // namespace wakebuilder::checkpoint
