// Between a sound device's thread, which may not wait, and the one that reads.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "wakebuilder/core/result.h"

#include "audio/resampler.h"
#include "audio/sample_ring.h"

namespace wakebuilder::audio {

/// Interleaved samples of the device in, 16 kHz mono out.
// The ring's ends have cache lines of their own.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
class Capture {
 public:
  struct Format {
    int rate_hz = 16000;
    std::size_t channels = 1;
    double buffer_s = 10;
  };

  /// Errors: kUnsupported for a rate that cannot be resampled; kIo where there is no eventfd.
  static Result<std::unique_ptr<Capture>> make(const Format& format);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // ---- the device's thread: no locks, no memory, no waiting

  /// @param start_s   when the first of these samples was heard, by the device's clock
  /// @param has_lost  whether the device lost samples before these: as many as its clock has gone
  ///                  on without any
  void put(std::span<const float> interleaved, double start_s, bool has_lost);

  /// Nothing more will come.
  void end();

  // ---- the reader's thread

  /// What is there, at most out.size() samples.
  Result<std::size_t> take(std::span<float> out);

  enum class Wake { kCame, kNothing, kInterrupted };
  /// Until something was put, or the end, or a signal. kCame may come too often, never too rarely.
  Wake wait(std::chrono::milliseconds timeout);

  const Format& format() const { return format_; }
  bool has_ended() const { return has_ended_.load(std::memory_order_acquire); }
  std::chrono::nanoseconds since_last_put() const;
  std::uint64_t dropped() const;  ///< at 16 kHz

 private:
  Capture(const Format& format, Resampler resampler, int event);
  void count_lost(double start_s);
  void put_mono(std::span<const float> mono);
  void wake();

  Format format_;
  Resampler resampler_;
  SampleRing ring_;
  int event_;                ///< an eventfd: one for "look again"
  double next_start_s_ = 0;  ///< of the device's thread: when the next samples are due
  std::atomic<std::uint64_t> dropped_frames_{0};  ///< at the device's rate
  std::atomic<std::chrono::steady_clock::time_point> last_put_;
  std::atomic<bool> has_ended_{false};
};

}  // namespace wakebuilder::audio
