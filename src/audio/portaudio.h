// PortAudio and what is wrong with it.
#pragma once

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "wakebuilder/audio/microphone.h"
#include "wakebuilder/core/result.h"

#include "audio/capture.h"

namespace wakebuilder::audio {

/// Keeps PortAudio initialised. Devices are looked for when the first one is made; while one lives
/// C's stderr goes nowhere. Thread-safe.
class PortAudio {
 public:
  /// Errors: kUnavailable with the reason.
  static Result<std::shared_ptr<PortAudio>> start();
  ~PortAudio();
  PortAudio(const PortAudio&) = delete;
  PortAudio& operator=(const PortAudio&) = delete;

  struct Device {
    int index = 0;  ///< PortAudio's
    MicrophoneInfo info;
  };
  /// The devices that can record.
  std::vector<Device> devices() const;

 private:
  PortAudio() = default;
};

/// A device that records.
class InputStream {
 public:
  /// 16 kHz if the device takes that, else its own rate; two channels if it has them.
  /// Errors: kIo; they do not name the device.
  static Result<std::shared_ptr<InputStream>> start(std::shared_ptr<PortAudio> portaudio,
                                                    const PortAudio::Device& device,
                                                    double buffer_s);
  ~InputStream();
  InputStream(const InputStream&) = delete;
  InputStream& operator=(const InputStream&) = delete;

  Capture& capture() { return *capture_; }

 private:
  struct Callbacks;
  struct Attempt;
  Result<Attempt> open(const PortAudio::Device& device);
  Result<void> run(const Attempt& attempt, double buffer_s);
  explicit InputStream(std::shared_ptr<PortAudio> portaudio) : portaudio_(std::move(portaudio)) {}

  std::shared_ptr<PortAudio> portaudio_;
  void* stream_ = nullptr;
  std::unique_ptr<Capture> capture_;
};

/// Stops and closes the stream if nobody else has it. Returns after `limit` at the latest: with
/// ALSA, PortAudio waits for a thread that runs in circles for ever when an overrun cannot be
/// recovered from, e.g. since the sound server has ended.
void close_within(std::shared_ptr<InputStream> stream, std::chrono::milliseconds limit);

}  // namespace wakebuilder::audio
