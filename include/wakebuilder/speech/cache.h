// Renderings kept from run to run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/speech/voice.h"

namespace wakebuilder::speech {

struct CacheOptions {
  bool is_used = true;             ///< --no-cache: false; nothing is read and nothing written
  std::filesystem::path folder{};  ///< empty: usual_cache_folder()
  std::uint64_t max_bytes = std::uint64_t{2} << 30U;
};

/// $XDG_CACHE_HOME/wakebuilder/speech, else ~/.cache/wakebuilder/speech. Errors: kNotFound when
/// neither variable has an absolute path.
Result<std::filesystem::path> usual_cache_folder();

/// Under which a rendering is kept: the SHA-256 of engine, version, voice, text or phonemes and
/// all factors, 64 hexadecimal digits.
std::string cache_key(const Voice& voice, const Utterance& utterance);

/// A folder of renderings, 16 bits a sample, the longest unused removed first.
///
/// A cache is a help and no duty: what cannot be read or written counts as not there, and a damaged
/// file is removed. Several processes and threads may use the same folder at once: files appear
/// whole, by a rename.
///
/// A file `ab/cdef...` (the key, cut after two digits) is the line "wakebuilder speech 1", a line
/// with the SHA-256 of what follows, and the samples, 16 bits, little-endian.
class Cache {
 public:
  /// Errors: as usual_cache_folder(); kIo when the folder cannot be made.
  static Result<Cache> open(const CacheOptions& options = {});

  Cache(Cache&&) noexcept;
  Cache& operator=(Cache&&) noexcept;
  ~Cache();

  /// The samples that were kept under `key`, or nothing.
  std::optional<std::vector<float>> find(const std::string& key) const;

  /// @param samples  multiples of 1/32768, as Voice::say() gives them
  /// @pre key is one of cache_key()
  void keep(const std::string& key, std::span<const float> samples) const;

 private:
  class Impl;
  explicit Cache(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wakebuilder::speech
