// Microphones: which there are, and their sound as a stream of 16 kHz mono samples.
//
// PortAudio does the work. While a microphone is open, and while devices are looked for, C's
// `stderr` is a file that goes nowhere: PortAudio, ALSA and JACK print to it whatever they try,
// without end when a device breaks. std::cerr and the file descriptor 2 stay as they are.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"

namespace wakebuilder::audio {

/// A device that can record, as PortAudio describes it.
struct MicrophoneInfo {
  std::string name;           ///< "USB PnP Sound Device: Audio (hw:1,0)", "default"
  std::string host;           ///< "ALSA", "JACK Audio Connection Kit"
  int channels = 0;           ///< the most it has
  double sample_rate_hz = 0;  ///< the one it prefers
  bool is_default = false;

  friend bool operator==(const MicrophoneInfo&, const MicrophoneInfo&) = default;
};

/// The devices that can record. They are looked for anew unless a Microphone is open.
/// Errors: kUnavailable with PortAudio's or ALSA's reason. Thread-safe.
Result<std::vector<MicrophoneInfo>> microphones();

struct MicrophoneOptions {
  /// Nothing: the default. Else the exact name of a device, or a part of it, in whatever case, that
  /// only one has.
  std::string device{};
  double buffer_s = 10;  ///< how far the reader may fall behind: above 0, at most 600
  /// A device that gives nothing for so long has gone away; it need not say so by itself.
  std::chrono::milliseconds lost_after{2000};
};

/// Records 16 kHz mono, +-1: straight from a device that takes 16 kHz, else at the device's own
/// rate and resampled as AudioReader does; the mean of its first two channels. A thread of
/// PortAudio puts the samples into a ring without locks; what does not fit is counted. Not
/// thread-safe, but several may be open.
class Microphone {
 public:
  /// Errors: kUnavailable where there is no device at all; kNotFound for a name that none has, with
  /// those that are there; kInvalidArgument for a part of several names, for options out of range;
  /// kIo for a device that cannot be opened, e.g. because another program uses it.
  static Result<Microphone> open(const MicrophoneOptions& options = {});

  Microphone(Microphone&&) noexcept;
  Microphone& operator=(Microphone&&) noexcept;
  /// Returns after 1 s at the latest, even when PortAudio hangs, as it does when a sound server has
  /// ended. It is left alone then: until it is through, devices are not looked for anew.
  ~Microphone();

  /// Gives what has come, at most out.size() samples; waits for it up to `timeout`. 0: nothing
  /// came, or a signal did. Errors: kIo when the device has gone away, after what it gave before.
  /// Then close this microphone and open another, which looks for the devices anew.
  Result<std::size_t> read(std::span<float> out, std::chrono::milliseconds timeout);

  /// Samples at 16 kHz that are missing so far in what read() gave and will give: those that found
  /// no room, and those that the device itself lost, as far as its clock tells.
  std::uint64_t dropped() const;

  const MicrophoneInfo& info() const;

 private:
  class Impl;
  explicit Microphone(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wakebuilder::audio
