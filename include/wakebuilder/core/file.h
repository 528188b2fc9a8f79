// Files: mapped for reading, replaced whole for writing.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "wakebuilder/core/result.h"

namespace wakebuilder::core {

/// A path as sentences show it: escaped, and cut after 400 bytes.
std::string shown(const std::filesystem::path& path);

/// A file mapped read-only into memory; pages are loaded as they are touched.
class MappedFile {
 public:
  /// Errors: kNotFound when nothing is there, kUnsupported for a folder or a device, kIo when the
  /// machine refuses.
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }

  /// Lets the machine take the memory of the pages back; what is touched again is read again. For
  /// files of hundreds of megabytes that are walked through more than once.
  void release_pages() const;

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

/// The whole file as text. Errors: as MappedFile::open.
Result<std::string> read_text(const std::filesystem::path& path);

/// A file that is written beside its target and takes the target's place in one step.
///
/// Until publish() nothing at the target changes; without publish() the written part is removed
/// again. A process that is killed leaves at most `.NAME.XXXXXX.tmp` beside the target, which the
/// next StagedFile for the same target removes (a lock tells living writers from dead ones).
class StagedFile {
 public:
  /// Errors: kNotFound when the folder is not there, kIo when it cannot be written.
  static Result<StagedFile> create(const std::filesystem::path& target);

  StagedFile(StagedFile&& other) noexcept;
  StagedFile& operator=(StagedFile&& other) noexcept;
  ~StagedFile();

  /// Appends. Errors: kIo (disk full, ...).
  Result<void> write(std::span<const std::byte> bytes);
  Result<void> write(std::string_view text) { return write(std::as_bytes(std::span(text))); }

  /// Where the bytes are until publish().
  const std::filesystem::path& path() const { return staged_; }
  const std::filesystem::path& target() const { return target_; }

  /// Flushes to the disk and renames into place. Errors: kIo; the target is then as before.
  Result<void> publish();

 private:
  StagedFile(std::filesystem::path target, std::filesystem::path staged, int descriptor);
  static Result<StagedFile> make(const std::filesystem::path& target);
  void discard() noexcept;

  std::filesystem::path target_;
  std::filesystem::path staged_;
  int descriptor_ = -1;
};

/// Replaces the file at `path` by `text`, or leaves it as it was.
Result<void> write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace wakebuilder::core
