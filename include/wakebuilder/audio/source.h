// Where sound comes from, piece by piece: a recording, raw samples from a pipe, a microphone.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "wakebuilder/audio/microphone.h"
#include "wakebuilder/core/result.h"

namespace wakebuilder::audio {

/// 16 kHz mono samples, +-1, in the order of time.
class SoundSource {
 public:
  SoundSource() = default;
  SoundSource(const SoundSource&) = delete;
  SoundSource& operator=(const SoundSource&) = delete;
  virtual ~SoundSource() = default;

  /// What it is called in answers: the path, "-".
  virtual const std::string& name() const = 0;

  /// The next samples, valid until the next call; none: the sound has ended. Live sources wait, but
  /// no longer than a tenth of a second for what they have to be given.
  virtual Result<std::span<const float>> next() = 0;

  /// Samples of a live source that are missing so far in what next() gave.
  virtual std::uint64_t dropped() const { return 0; }
};

/// A recording. Errors: as AudioReader::open; next(): as AudioReader::read.
Result<std::unique_ptr<SoundSource>> open_recording(const std::filesystem::path& path);

/// What a live source tells its user: a sentence.
using SourceObserver = std::function<void(const std::string& sentence)>;

/// A microphone, until `is_stopped`. One that goes away is waited for; the sound goes on when it is
/// back. Both are told, and samples that are lost, at most once a second.
/// Errors: as Microphone::open; later ones are told, not returned.
Result<std::unique_ptr<SoundSource>> open_microphone(const MicrophoneOptions& options,
                                                     const volatile std::sig_atomic_t* is_stopped,
                                                     SourceObserver on_trouble);

/// Raw samples, 16 bits, little-endian, 16 kHz, mono, from a file descriptor, as `arecord -f S16_LE
/// -r 16000 -c 1` writes them. next() gives what is there, and waits when there is nothing.
/// Errors of next(): kIo; kCorrupt when the last sample is half.
/// @param is_stopped  looked at while it waits, e.g. when a signal came: the sound ends then
std::unique_ptr<SoundSource> open_pcm(int descriptor, std::string name,
                                      const volatile std::sig_atomic_t* is_stopped = nullptr);

}  // namespace wakebuilder::audio
