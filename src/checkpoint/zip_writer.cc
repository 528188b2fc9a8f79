#include "checkpoint/zip_writer.h"

#include <algorithm>
#include <concepts>
#include <initializer_list>
#include <utility>

#include <zlib.h>

#include "wakebuilder/core/expect.h"

#include "checkpoint/zip_format.h"

namespace wakebuilder::checkpoint {
namespace {

constexpr std::uint64_t kAlignment = 64;
constexpr std::uint16_t kVersion = 45;  // the first with zip64

template <std::unsigned_integral T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint32_t narrow(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, zip::kInZip64Extra));
}

bool is_wide(std::uint64_t value) { return value >= zip::kInZip64Extra; }

/// The zip64 extra field with those of the numbers that do not fit 32 bits.
std::string zip64_extra(std::initializer_list<std::uint64_t> numbers) {
  std::string body;
  for (const std::uint64_t number : numbers) {
    if (is_wide(number)) put(body, number);
  }
  if (body.empty()) return body;
  std::string extra;
  put(extra, zip::kZip64ExtraId);
  put(extra, static_cast<std::uint16_t>(body.size()));
  return extra + body;
}

/// An extra field ("FB", as torch has it) that is as long as the alignment of the data wants it.
std::string padding(std::uint64_t position) {
  const std::uint64_t length = (kAlignment - (position + 4) % kAlignment) % kAlignment;
  std::string extra = "FB";
  put(extra, static_cast<std::uint16_t>(length));
  return extra + std::string(length, 'Z');
}

}  // namespace

Result<void> ZipWriter::write(const std::string& bytes) {
  position_ += bytes.size();
  return sink_(std::as_bytes(std::span(bytes)));
}

std::string ZipWriter::local_header(const Entry& entry) {
  // A local header must have both sizes in zip64, or none.
  std::string extra = is_wide(entry.size) ? zip64_extra({entry.size, entry.size}) : std::string();
  extra += padding(entry.offset + zip::kLocalBytes + entry.name.size() + extra.size());
  std::string out;
  put(out, zip::kLocalSignature);
  put(out, kVersion);
  put(out, zip::kFlagUtf8);
  put(out, zip::kStored);
  put(out, std::uint32_t{0});  // time and date
  put(out, entry.crc);
  put(out, narrow(entry.size));
  put(out, narrow(entry.size));
  put(out, static_cast<std::uint16_t>(entry.name.size()));
  put(out, static_cast<std::uint16_t>(extra.size()));
  return out + entry.name + extra;
}

std::string ZipWriter::directory_entry(const Entry& entry) {
  const std::string extra = is_wide(entry.size)
                                ? zip64_extra({entry.size, entry.size, entry.offset})
                                : zip64_extra({entry.offset});
  std::string out;
  put(out, zip::kDirectorySignature);
  put(out, kVersion);  // made by
  put(out, kVersion);  // needed
  put(out, zip::kFlagUtf8);
  put(out, zip::kStored);
  put(out, std::uint32_t{0});  // time and date
  put(out, entry.crc);
  put(out, narrow(entry.size));
  put(out, narrow(entry.size));
  put(out, static_cast<std::uint16_t>(entry.name.size()));
  put(out, static_cast<std::uint16_t>(extra.size()));
  put(out, std::uint16_t{0});  // comment
  put(out, std::uint16_t{0});  // disk
  put(out, std::uint16_t{0});  // internal attributes
  put(out, std::uint32_t{0});  // external attributes
  put(out, narrow(entry.offset));
  return out + entry.name + extra;
}

Result<void> ZipWriter::add(std::string name, std::span<const std::byte> content) {
  WAKEBUILDER_EXPECT(name.size() <= 0xffff);
  const auto* data = reinterpret_cast<const Bytef*>(content.data());
  Entry entry{.name = std::move(name),
              .crc = static_cast<std::uint32_t>(::crc32_z(0, data, content.size())),
              .size = content.size(),
              .offset = position_};
  WAKEBUILDER_CHECK(write(local_header(entry)));
  WAKEBUILDER_CHECK(sink_(content));
  position_ += content.size();
  entries_.push_back(std::move(entry));
  return {};
}

Result<void> ZipWriter::finish() {
  const std::uint64_t offset = position_;
  for (const Entry& entry : entries_) WAKEBUILDER_CHECK(write(directory_entry(entry)));
  const std::uint64_t size = position_ - offset;
  const std::uint64_t count = entries_.size();
  const std::uint64_t zip64_end_at = position_;
  std::string out;
  put(out, zip::kZip64EndSignature);
  put(out, zip::kZip64EndBytes - 12);
  put(out, kVersion);
  put(out, kVersion);
  put(out, std::uint64_t{0});  // disks
  put(out, count);
  put(out, count);
  put(out, size);
  put(out, offset);
  put(out, zip::kZip64LocatorSignature);
  put(out, std::uint32_t{0});  // disk
  put(out, zip64_end_at);
  put(out, std::uint32_t{1});  // disks
  put(out, zip::kEndSignature);
  put(out, std::uint32_t{0});  // disks
  const auto small_count =
      static_cast<std::uint16_t>(std::min<std::uint64_t>(count, zip::kInZip64End));
  put(out, small_count);
  put(out, small_count);
  put(out, narrow(size));
  put(out, narrow(offset));
  put(out, std::uint16_t{0});  // comment
  return write(out);
}

}  // namespace wakebuilder::checkpoint
