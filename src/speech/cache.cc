#include "wakebuilder/speech/cache.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <fstream>
#include <mutex>
#include <unistd.h>
#include <utility>

#include "wakebuilder/core/cache_folder.h"
#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/sha256.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::speech {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFirstLine = "wakebuilder speech 1\n";
constexpr std::string_view kStagedSuffix = ".tmp";
constexpr std::size_t kDigits = 64;  // of a SHA-256
constexpr std::chrono::hours kAbandonedAfter{1};
constexpr double kKeptShare = 0.9;  // of the limit, after a removal

std::string fingerprint(std::string_view text) {
  return core::sha256_hex(std::as_bytes(std::span(text)));
}

std::string samples_as_bytes(std::span<const float> samples) {
  std::string bytes;
  bytes.reserve(samples.size() * 2);
  for (const float sample : samples) {
    const auto value = static_cast<std::uint16_t>(
        static_cast<std::int16_t>(std::lrint(std::clamp(sample * 32768.0F, -32768.0F, 32767.0F))));
    bytes.push_back(static_cast<char>(value & 0xFFU));
    bytes.push_back(static_cast<char>(value >> 8U));
  }
  return bytes;
}

std::vector<float> samples_from(std::string_view bytes) {
  std::vector<float> samples;
  samples.reserve(bytes.size() / 2);
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const auto low = static_cast<unsigned char>(bytes[i]);
    const auto high = static_cast<unsigned char>(bytes[i + 1]);
    const auto value = static_cast<std::int16_t>(static_cast<std::uint16_t>(low | high << 8U));
    samples.push_back(static_cast<float>(value) / 32768.0F);
  }
  return samples;
}

std::string file_of(std::span<const float> samples) {
  const std::string body = samples_as_bytes(samples);
  return std::string(kFirstLine) + fingerprint(body) + "\n" + body;
}

/// Nothing when the file is not as it was written.
std::optional<std::vector<float>> samples_of(std::string_view file) {
  constexpr std::size_t kHeader = kFirstLine.size() + kDigits + 1;
  if (!file.starts_with(kFirstLine) || file.size() <= kHeader) return std::nullopt;
  const std::string_view body = file.substr(kHeader);
  if (body.size() % 2 != 0 || fingerprint(body) != file.substr(kFirstLine.size(), kDigits))
    return std::nullopt;
  return samples_from(body);
}

struct Kept {
  fs::path path;
  fs::file_time_type used;
  std::uint64_t bytes = 0;
};

}  // namespace

class Cache::Impl {
 public:
  Impl(fs::path folder, std::uint64_t max_bytes)
      : folder_(std::move(folder)), max_bytes_(max_bytes) {}

  std::optional<std::vector<float>> find(const std::string& key) const {
    const fs::path path = path_of(key);
    const auto file = core::read_text(path);
    if (!file) return std::nullopt;
    auto samples = samples_of(*file);
    std::error_code error;
    if (samples)
      fs::last_write_time(path, fs::file_time_type::clock::now(), error);
    else
      fs::remove(path, error);
    return samples;
  }

  void keep(const std::string& key, std::span<const float> samples) {
    const std::string bytes = file_of(samples);
    if (!write(path_of(key), bytes)) return;
    const std::lock_guard lock(mutex_);
    if (!bytes_)
      bytes_ = measure(files());
    else
      *bytes_ += bytes.size();
    if (*bytes_ > max_bytes_) bytes_ = remove_oldest();
  }

 private:
  fs::path path_of(const std::string& key) const {
    WAKEBUILDER_EXPECT(key.size() == kDigits);
    return folder_ / key.substr(0, 2) / key.substr(2);
  }

  /// Staged beside its place and renamed; not flushed to the disk, since what a power failure
  /// damages is found damaged.
  bool write(const fs::path& path, const std::string& bytes) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    const fs::path staged = path.string() + "." + std::to_string(::getpid()) + "-" +
                            std::to_string(staged_++) + std::string(kStagedSuffix);
    std::ofstream file(staged, std::ios::binary);
    file << bytes;
    file.close();
    if (file) fs::rename(staged, path, error);
    if (file && !error) return true;
    fs::remove(staged, error);
    return false;
  }

  /// All that is kept; what a killed process left is removed.
  std::vector<Kept> files() const {
    std::vector<Kept> found;
    std::error_code error;
    const auto abandoned = fs::file_time_type::clock::now() - kAbandonedAfter;
    for (fs::recursive_directory_iterator it(folder_, error), end; !error && it != end;
         it.increment(error)) {
      std::error_code gone;  // another process removes as well
      if (!it->is_regular_file(gone)) continue;
      Kept file{it->path(), it->last_write_time(gone), it->file_size(gone)};
      if (gone) continue;
      if (file.path.extension() != kStagedSuffix)
        found.push_back(std::move(file));
      else if (file.used < abandoned)
        fs::remove(file.path, gone);
    }
    return found;
  }

  static std::uint64_t measure(const std::vector<Kept>& files) {
    std::uint64_t bytes = 0;
    for (const Kept& file : files) bytes += file.bytes;
    return bytes;
  }

  std::uint64_t remove_oldest() const {
    std::vector<Kept> kept = files();
    std::uint64_t bytes = measure(kept);
    std::sort(kept.begin(), kept.end(), [](const Kept& a, const Kept& b) {
      return std::pair(a.used, a.path) < std::pair(b.used, b.path);
    });
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(max_bytes_) * kKeptShare);
    for (const Kept& file : kept) {
      if (bytes <= wanted) break;
      std::error_code gone;
      fs::remove(file.path, gone);
      bytes -= file.bytes;
    }
    return bytes;
  }

  fs::path folder_;
  std::uint64_t max_bytes_;
  std::atomic<std::uint64_t> staged_ = 0;
  std::mutex mutex_;
  std::optional<std::uint64_t> bytes_;  ///< about; other processes add as well
};

Result<fs::path> usual_cache_folder() { return core::cache_folder("speech"); }

std::string cache_key(const Voice& voice, const Utterance& u) {
  // Texts have no control characters, so no two utterances have the same lines.
  std::string lines;
  for (const std::string& field :
       {std::string("16 kHz, 16 bits"), voice.engine(), voice.name(), u.text, u.phonemes,
        core::to_text(u.pitch), core::to_text(u.intonation), core::to_text(u.speed),
        std::to_string(u.word_gap_ms)})
    lines += field + "\n";
  return fingerprint(lines);
}

Result<Cache> Cache::open(const CacheOptions& options) {
  if (!options.is_used) return Cache(nullptr);
  fs::path folder = options.folder;
  if (folder.empty()) {
    WAKEBUILDER_TRY(folder, usual_cache_folder());
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return fail(ErrorCode::kIo,
                core::shown(folder) + ": expected a folder for the cache: " + error.message());
  }
  return Cache(std::make_unique<Impl>(std::move(folder), options.max_bytes));
}

Cache::Cache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cache::Cache(Cache&&) noexcept = default;
Cache& Cache::operator=(Cache&&) noexcept = default;
Cache::~Cache() = default;

std::optional<std::vector<float>> Cache::find(const std::string& key) const {
  return impl_ ? impl_->find(key) : std::nullopt;
}

void Cache::keep(const std::string& key, std::span<const float> samples) const {
  if (impl_) impl_->keep(key, samples);
}

}  // namespace wakebuilder::speech
