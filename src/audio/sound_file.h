// libsndfile, kept to four formats and to sane headers.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/audio/reader.h"

namespace wakebuilder::audio {

/// The bytes of a recording, in memory or in a file.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  virtual std::uint64_t size() const = 0;
  /// Copies what is there from `position` on; the number of bytes, less than asked for at the end.
  virtual std::size_t read_at(std::uint64_t position, std::span<std::byte> out) = 0;
};

/// Errors: kNotFound, kUnsupported for a folder or a device, kIo. They name the path.
Result<std::unique_ptr<ByteSource>> open_file_source(const std::filesystem::path& path);
std::unique_ptr<ByteSource> memory_source(std::span<const std::byte> bytes);

/// An open recording: interleaved samples as they are stored, integers scaled to +-1. Errors have
/// no name of a file yet.
class SoundFile {
 public:
  static Result<SoundFile> open(std::unique_ptr<ByteSource> source);

  const AudioInfo& info() const { return info_; }

  /// Fills whole frames (channels samples each); the number of frames, 0 at the end.
  /// @pre out.size() is a multiple of channels
  Result<std::size_t> read(std::span<float> out);

 private:
  struct Handle;
  struct Close {
    void operator()(Handle* handle) const;
  };
  SoundFile(std::unique_ptr<Handle, Close> handle, AudioInfo info);
  Result<void> check_end() const;

  std::unique_ptr<Handle, Close> handle_;
  AudioInfo info_;
  std::uint64_t frames_read_ = 0;
};

}  // namespace wakebuilder::audio
