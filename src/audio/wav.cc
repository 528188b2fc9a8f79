#include "wakebuilder/audio/wav.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include <sndfile.h>

#include "wakebuilder/core/file.h"

namespace wakebuilder::audio {
namespace {

constexpr int kRateHz = 16000;
constexpr std::size_t kMaxSamples = 18UL * 3600 * kRateHz;
constexpr std::size_t kHeaderRoom = 4096;  // bytes; libsndfile writes 44

/// A file in memory, of a fixed greatest size: nothing is allocated, and so nothing thrown, while
/// libsndfile's C code is on the stack.
class MemoryFile {
 public:
  explicit MemoryFile(std::size_t most_bytes) { bytes_.reserve(most_bytes); }

  std::string bytes() && { return std::move(bytes_); }

  static SF_VIRTUAL_IO callbacks() {
    return {.get_filelen = size, .seek = seek, .read = read, .write = write, .tell = tell};
  }

 private:
  static MemoryFile& of(void* self) { return *static_cast<MemoryFile*>(self); }
  static sf_count_t size(void* self) { return static_cast<sf_count_t>(of(self).bytes_.size()); }
  static sf_count_t tell(void* self) { return static_cast<sf_count_t>(of(self).position_); }

  static sf_count_t seek(sf_count_t offset, int whence, void* self) {
    sf_count_t target = offset;
    if (whence == SEEK_CUR) target += tell(self);
    if (whence == SEEK_END) target += size(self);
    if (target < 0 || target > size(self)) return -1;
    of(self).position_ = static_cast<std::size_t>(target);
    return target;
  }

  static sf_count_t read(void* out, sf_count_t count, void* self) {
    MemoryFile& file = of(self);
    const std::size_t got =
        std::min(static_cast<std::size_t>(count), file.bytes_.size() - file.position_);
    std::memcpy(out, file.bytes_.data() + file.position_, got);
    file.position_ += got;
    return static_cast<sf_count_t>(got);
  }

  static sf_count_t write(const void* bytes, sf_count_t count, void* self) {
    MemoryFile& file = of(self);
    const auto wanted = static_cast<std::size_t>(count);
    if (file.bytes_.capacity() - file.position_ < wanted) return 0;
    const std::size_t replaced = std::min(wanted, file.bytes_.size() - file.position_);
    file.bytes_.replace(file.position_, replaced, static_cast<const char*>(bytes), wanted);
    file.position_ += wanted;
    return count;
  }

  std::string bytes_;
  std::size_t position_ = 0;
};

/// The nearest of the file's steps.
std::int16_t to_pcm(float sample) {
  if (std::isnan(sample)) return 0;
  return static_cast<std::int16_t>(std::lrint(std::clamp(sample * 32768.0F, -32768.0F, 32767.0F)));
}

bool write_samples(SNDFILE* file, std::span<const float> samples) {
  std::array<std::int16_t, 4096> piece{};
  while (!samples.empty()) {
    const std::size_t count = std::min(samples.size(), piece.size());
    std::transform(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count),
                   piece.begin(), to_pcm);
    const auto wanted = static_cast<sf_count_t>(count);
    if (sf_write_short(file, piece.data(), wanted) != wanted) return false;
    samples = samples.subspan(count);
  }
  return true;
}

/// The bytes of the WAV; libsndfile completes the header when it closes the file.
Result<std::string> wav_bytes(std::span<const float> samples) {
  MemoryFile memory(kHeaderRoom + samples.size() * sizeof(std::int16_t));
  SF_VIRTUAL_IO callbacks = MemoryFile::callbacks();
  SF_INFO info{};
  info.samplerate = kRateHz;
  info.channels = 1;
  info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  SNDFILE* file = sf_open_virtual(&callbacks, SFM_WRITE, &info, &memory);
  const bool written = file != nullptr && write_samples(file, samples);
  const bool closed = file != nullptr && sf_close(file) == 0;
  if (!written || !closed) return fail(ErrorCode::kIo, "cannot be written as WAV");
  return std::move(memory).bytes();
}

Result<void> check_length(std::size_t count) {
  if (count == 0) return fail(ErrorCode::kInvalidArgument, "expected sound to write, found none");
  if (count <= kMaxSamples) return {};
  return fail(ErrorCode::kUnsupported, "expected at most 18 hours of sound, found " +
                                           std::to_string(count / kRateHz / 3600) + " hours");
}

}  // namespace

Result<void> write_wav(const std::filesystem::path& path, std::span<const float> samples) {
  if (auto length = check_length(samples.size()); !length)
    return fail_in(core::shown(path), std::move(length).error());
  auto bytes = wav_bytes(samples);
  if (!bytes) return fail_in(core::shown(path), std::move(bytes).error());
  return core::write_file(path, *bytes);
}

}  // namespace wakebuilder::audio
