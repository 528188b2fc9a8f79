#include "audio/sound_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include <sndfile.h>

#include "wakebuilder/core/byte_reader.h"
#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/text.h"

#include "audio/finite.h"

namespace wakebuilder::audio {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) {
  return std::strerror(error);
}  // NOLINT(concurrency-mt-unsafe): glibc's is

// ---- sources ----

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint64_t size() const override { return bytes_.size(); }

  std::size_t read_at(std::uint64_t position, std::span<std::byte> out) override {
    if (position >= bytes_.size()) return 0;
    const auto rest = bytes_.subspan(static_cast<std::size_t>(position));
    const std::size_t count = std::min(rest.size(), out.size());
    std::copy_n(rest.begin(), count, out.begin());
    return count;
  }

 private:
  std::span<const std::byte> bytes_;
};

class FileSource : public ByteSource {
 public:
  FileSource(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  ~FileSource() override { ::close(descriptor_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  std::uint64_t size() const override { return size_; }

  std::size_t read_at(std::uint64_t position, std::span<std::byte> out) override {
    std::size_t count = 0;
    while (count < out.size()) {
      const ssize_t got = ::pread(descriptor_, out.data() + count, out.size() - count,
                                  static_cast<off_t>(position + count));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      count += static_cast<std::size_t>(got);
    }
    return count;
  }

 private:
  int descriptor_;
  std::uint64_t size_;
};

tl::unexpected<Error> not_sound() {
  return fail(ErrorCode::kUnsupported,
              "is no sound file that can be read; expected WAV, FLAC, Ogg or MP3");
}

// ---- formats ----

/// Before libsndfile looks: it knows two dozen formats, and some by little more than a byte.
std::string_view format_of(ByteSource& source) {
  std::array<std::byte, 12> bytes{};
  const std::size_t count = source.read_at(0, bytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), count);
  const bool is_riff =
      text.starts_with("RIFF") || text.starts_with("RIFX") || text.starts_with("RF64");
  if (is_riff && text.size() == 12 && text.substr(8) == "WAVE") return "WAV";
  if (text.starts_with("fLaC")) return "FLAC";
  if (text.starts_with("OggS")) return "Ogg";
  if (text.starts_with("ID3")) return "MP3";
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  const bool is_mpeg = count >= 4 && at(0) == 0xffU && (at(1) & 0xe0U) == 0xe0U &&
                       (at(1) & 0x18U) != 0x08U && (at(1) & 0x06U) != 0 &&
                       (at(2) & 0xf0U) != 0xf0U && (at(2) & 0x0cU) != 0x0cU;
  return is_mpeg ? "MP3" : "";
}

bool is_allowed(int format) {
  switch (format & SF_FORMAT_TYPEMASK) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX:
    case SF_FORMAT_RF64:
    case SF_FORMAT_FLAC:
    case SF_FORMAT_OGG:
    case SF_FORMAT_MPEG:
      return true;
    default:
      return false;
  }
}

/// A little-endian number at `position`, or nothing.
std::optional<std::uint32_t> number_at(ByteSource& source, std::uint64_t position) {
  std::array<std::byte, 4> bytes{};
  if (source.read_at(position, bytes) != bytes.size()) return std::nullopt;
  return core::ByteReader(bytes).number<std::uint32_t>();
}

struct DataChunk {
  std::uint64_t declared = 0;
  std::uint64_t present = 0;
};

/// The samples of a plain WAV, as far as the header tells. A writer that cannot go back leaves 0
/// or something near 2^31 or 2^32 as the size: then nothing is declared.
std::optional<DataChunk> find_data_chunk(ByteSource& source) {
  constexpr std::uint32_t kData = 0x61746164;  // "data"
  constexpr std::uint32_t kRiff = 0x46464952;
  constexpr int kMaxChunks = 1000;
  if (number_at(source, 0) != kRiff) return std::nullopt;
  std::uint64_t position = 12;
  for (int chunk = 0; chunk < kMaxChunks; ++chunk) {
    const auto name = number_at(source, position);
    const auto size = number_at(source, position + 4);
    if (!name || !size) return std::nullopt;
    position += 8;
    if (*name == kData) {
      if (*size == 0 || *size >= 0x7fff0000U) return std::nullopt;
      return DataChunk{*size, source.size() - position};
    }
    position += std::uint64_t{*size} + (*size & 1U);
  }
  return std::nullopt;
}

/// libsndfile takes a torn WAV for a shorter one.
Result<void> check_wav_is_whole(ByteSource& source) {
  const auto data = find_data_chunk(source);
  if (!data || data->declared <= data->present) return {};
  return fail(ErrorCode::kCorrupt, "is cut off: expected " + std::to_string(data->declared) +
                                       " bytes of samples, found " + std::to_string(data->present));
}

// ---- MP3 ----

std::uint32_t big_endian(std::span<const std::byte> bytes) {
  std::uint32_t number = 0;
  for (const std::byte byte : bytes.first(4))
    number = number << 8U | std::to_integer<std::uint32_t>(byte);
  return number;
}

/// Behind an ID3v2 tag: "ID3", version, flags, size in four bytes of seven bits.
std::uint64_t behind_id3(ByteSource& source) {
  constexpr std::uint64_t kHeader = 10;
  std::array<std::byte, kHeader> bytes{};
  if (source.read_at(0, bytes) != bytes.size()) return 0;
  if (std::string_view(reinterpret_cast<const char*>(bytes.data()), 3) != "ID3") return 0;
  std::uint64_t size = 0;
  for (std::size_t i = 6; i < kHeader; ++i)
    size = size << 7U | (std::to_integer<std::uint64_t>(bytes[i]) & 0x7fU);
  return kHeader + size;
}

/// The bytes of the stream that its first frame declares (a header that the LAME and Xing encoders
/// write: "Xing" or "Info", flags, number of frames if flag 1, number of bytes if flag 2).
std::optional<std::uint32_t> declared_mp3_bytes(ByteSource& source, std::uint64_t start) {
  constexpr std::size_t kFurthest =
      36;  // header of a frame and the side information of MPEG 1 stereo
  std::array<std::byte, kFurthest + 16> bytes{};
  if (source.read_at(start, bytes) != bytes.size()) return std::nullopt;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t at = std::min(text.find("Xing"), text.find("Info"));
  if (at > kFurthest) return std::nullopt;
  const auto header = std::span(bytes).subspan(at);
  const std::uint32_t flags = big_endian(header.subspan(4));
  if ((flags & 2U) == 0) return std::nullopt;
  return big_endian(header.subspan((flags & 1U) != 0 ? 12 : 8));
}

/// The decoder takes a torn MP3 for a shorter one.
Result<void> check_mp3_is_whole(ByteSource& source) {
  const std::uint64_t start = behind_id3(source);
  const auto declared = declared_mp3_bytes(source, start);
  if (!declared || start > source.size() || *declared <= source.size() - start) return {};
  return fail(ErrorCode::kCorrupt, "is cut off: expected " + std::to_string(*declared) +
                                       " bytes of sound, found " +
                                       std::to_string(source.size() - start));
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_file_source(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return fail(ErrorCode::kNotFound, core::shown(path) + ": no such file");
    return fail(ErrorCode::kIo, core::shown(path) + ": cannot be read: " + reason(errno));
  }
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return fail(ErrorCode::kUnsupported, core::shown(path) + ": expected a file, found " +
                                             (S_ISDIR(status.st_mode) ? "a folder" : "a device"));
  }
  return std::make_unique<FileSource>(descriptor, static_cast<std::uint64_t>(status.st_size));
}

std::unique_ptr<ByteSource> memory_source(std::span<const std::byte> bytes) {
  return std::make_unique<MemorySource>(bytes);
}

// ---- libsndfile ----

struct SoundFile::Handle {
  std::unique_ptr<ByteSource> source;
  std::uint64_t position = 0;
  SNDFILE* file = nullptr;

  static Handle& of(void* self) { return *static_cast<Handle*>(self); }

  static sf_count_t size(void* self) { return static_cast<sf_count_t>(of(self).source->size()); }
  static sf_count_t tell(void* self) { return static_cast<sf_count_t>(of(self).position); }
  static sf_count_t write(const void* /*bytes*/, sf_count_t /*count*/, void* /*self*/) { return 0; }

  static sf_count_t seek(sf_count_t offset, int whence, void* self) {
    Handle& handle = of(self);
    sf_count_t base = 0;
    if (whence == SEEK_CUR) base = tell(self);
    if (whence == SEEK_END) base = size(self);
    sf_count_t target = 0;
    if (__builtin_add_overflow(base, offset, &target) || target < 0) return -1;
    handle.position = static_cast<std::uint64_t>(target);
    return target;
  }

  static sf_count_t read(void* bytes, sf_count_t count, void* self) {
    if (count <= 0) return 0;
    Handle& handle = of(self);
    const std::size_t got = handle.source->read_at(
        handle.position, {static_cast<std::byte*>(bytes), static_cast<std::size_t>(count)});
    handle.position += got;
    return static_cast<sf_count_t>(got);
  }
};

void SoundFile::Close::operator()(Handle* handle) const {
  if (handle->file != nullptr) sf_close(handle->file);
  std::unique_ptr<Handle>{handle}.reset();
}

SoundFile::SoundFile(std::unique_ptr<Handle, Close> handle, AudioInfo info)
    : handle_(std::move(handle)), info_(std::move(info)) {}

namespace {

/// libsndfile's words without trimmings; where it has none of its own it says "File does not
/// exist".
std::string words_of(SNDFILE* file) {
  constexpr std::string_view kPrefix = "Error : ";
  std::string words = core::quote(sf_strerror(file));
  if (words.starts_with("File does not exist")) return "its data cannot be decoded";
  if (words.starts_with("Internal error")) return "its header contradicts itself";
  if (words.starts_with(kPrefix)) words.erase(0, kPrefix.size());
  while (!words.empty() && words.back() == '.') words.pop_back();
  return words;
}

tl::unexpected<Error> no_samples() {
  return fail(ErrorCode::kCorrupt, "holds no samples; expected sound behind its header");
}

Result<void> check_header(const SF_INFO& found) {
  if (!is_allowed(found.format)) return not_sound();
  if (found.samplerate < kMinRateHz || found.samplerate > kMaxRateHz) {
    return fail(ErrorCode::kUnsupported, "expected a sample rate of " + std::to_string(kMinRateHz) +
                                             " to " + std::to_string(kMaxRateHz) + " Hz, found " +
                                             std::to_string(found.samplerate));
  }
  if (found.channels < 1 || found.channels > kMaxChannels) {
    return fail(ErrorCode::kUnsupported, "expected 1 to " + std::to_string(kMaxChannels) +
                                             " channels, found " + std::to_string(found.channels));
  }
  if (found.frames == 0) return no_samples();
  return {};
}

}  // namespace

Result<SoundFile> SoundFile::open(std::unique_ptr<ByteSource> source) {
  if (source->size() == 0) return fail(ErrorCode::kCorrupt, "is empty; expected a sound file");
  const std::string_view format = format_of(*source);
  if (format.empty()) return not_sound();
  if (format == "WAV") WAKEBUILDER_CHECK(check_wav_is_whole(*source));
  if (format == "MP3") WAKEBUILDER_CHECK(check_mp3_is_whole(*source));
  std::unique_ptr<Handle, Close> handle(std::make_unique<Handle>().release());
  handle->source = std::move(source);
  SF_VIRTUAL_IO callbacks{.get_filelen = Handle::size,
                          .seek = Handle::seek,
                          .read = Handle::read,
                          .write = Handle::write,
                          .tell = Handle::tell};
  SF_INFO found{};
  handle->file = sf_open_virtual(&callbacks, SFM_READ, &found, handle.get());
  if (handle->file == nullptr) {
    return fail(ErrorCode::kCorrupt,
                "is a damaged " + std::string(format) + " file: " + words_of(nullptr));
  }
  WAKEBUILDER_CHECK(check_header(found));
  AudioInfo info{.format = std::string(format),
                 .sample_rate_hz = found.samplerate,
                 .channels = found.channels,
                 .frames = std::nullopt};
  if (found.frames > 0 && found.frames < SF_COUNT_MAX)
    info.frames = static_cast<std::uint64_t>(found.frames);
  return SoundFile(std::move(handle), std::move(info));
}

Result<std::size_t> SoundFile::read(std::span<float> out) {
  const auto channels = static_cast<std::size_t>(info_.channels);
  WAKEBUILDER_EXPECT(out.size() % channels == 0);
  const auto wanted = static_cast<sf_count_t>(out.size() / channels);
  const sf_count_t got = sf_readf_float(handle_->file, out.data(), wanted);
  if (got < 0 || got > wanted || sf_error(handle_->file) != SF_ERR_NO_ERROR) {
    const double seconds =
        static_cast<double>(frames_read_) / static_cast<double>(info_.sample_rate_hz);
    return fail(ErrorCode::kCorrupt, "is damaged " + seconds_text(seconds) +
                                         " after its beginning: " + words_of(handle_->file));
  }
  frames_read_ += static_cast<std::uint64_t>(got);
  if (got == 0) WAKEBUILDER_CHECK(check_end());
  return static_cast<std::size_t>(got);
}

Result<void> SoundFile::check_end() const {
  const auto rate = static_cast<double>(info_.sample_rate_hz);
  if (frames_read_ == 0) return no_samples();
  if (!info_.frames || info_.format == "MP3" || info_.format == "Ogg" ||
      frames_read_ >= *info_.frames)
    return {};
  return fail(ErrorCode::kCorrupt,
              "is cut off: expected " + seconds_text(static_cast<double>(*info_.frames) / rate) +
                  ", found " + seconds_text(static_cast<double>(frames_read_) / rate));
}

}  // namespace wakebuilder::audio
