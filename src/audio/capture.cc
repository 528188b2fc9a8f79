#include "audio/capture.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include <poll.h>

#include "wakebuilder/audio/mel_filters.h"

namespace wakebuilder::audio {
namespace {

constexpr std::size_t kPieceFrames = 256;
constexpr std::int64_t kMaxWaitMs = 3'600'000;
/// A clock that jumps further says nothing about samples.
constexpr double kMaxLost_s = 600;

std::size_t ring_size(const Capture::Format& format) {
  return static_cast<std::size_t>(std::ceil(std::max(1.0, format.buffer_s * format.rate_hz)));
}

}  // namespace

Result<std::unique_ptr<Capture>> Capture::make(const Format& format) {
  WAKEBUILDER_TRY(auto resampler, Resampler::make(format.rate_hz));
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event >= 0) return std::unique_ptr<Capture>(new Capture(format, std::move(resampler), event));
  // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc's is safe for known numbers
  return fail(ErrorCode::kIo, std::string("cannot make an eventfd: ") + std::strerror(errno));
}

Capture::Capture(const Format& format, Resampler resampler, int event)
    : format_(format),
      resampler_(std::move(resampler)),
      ring_(ring_size(format)),
      event_(event),
      last_put_(std::chrono::steady_clock::now()) {}

Capture::~Capture() { ::close(event_); }

// ---- the device's thread

void Capture::put(std::span<const float> interleaved, double start_s, bool has_lost) {
  if (has_lost) count_lost(start_s);
  const std::size_t frames = interleaved.size() / format_.channels;
  std::array<float, kPieceFrames> mono{};
  for (std::size_t done = 0; done < frames; done += kPieceFrames) {
    const std::size_t count = std::min(kPieceFrames, frames - done);
    const auto piece = interleaved.subspan(done * format_.channels, count * format_.channels);
    mix(piece, format_.channels, std::span(mono).first(count));
    put_mono(std::span(mono).first(count));
  }
  next_start_s_ = start_s + static_cast<double>(frames) / format_.rate_hz;
  last_put_.store(std::chrono::steady_clock::now(), std::memory_order_release);
  wake();
}

void Capture::count_lost(double start_s) {
  const double lost_s = next_start_s_ > 0 ? start_s - next_start_s_ : 0;
  if (lost_s > 0 && lost_s < kMaxLost_s)
    dropped_frames_ += static_cast<std::uint64_t>(std::llround(lost_s * format_.rate_hz));
}

void Capture::put_mono(std::span<const float> mono) {
  const std::size_t pushed = ring_.push(mono);
  dropped_frames_ += mono.size() - pushed;
}

void Capture::end() {
  has_ended_.store(true, std::memory_order_release);
  wake();
}

void Capture::wake() {
  const std::uint64_t one = 1;
  // Full only after 2^64 - 1 of them, and then the reader is awake.
  [[maybe_unused]] const ssize_t written = ::write(event_, &one, sizeof(one));
}

// ---- the reader's thread

Result<std::size_t> Capture::take(std::span<float> out) {
  std::size_t made = 0;
  while (made < out.size()) {
    // Also without input: the resampler may have kept what `out` had no room for.
    WAKEBUILDER_TRY(const auto step, resampler_.process(ring_.peek(), out.subspan(made)));
    ring_.pop(step.used);
    made += step.made;
    if (step.used == 0 && step.made == 0) break;
  }
  return made;
}

Capture::Wake Capture::wait(std::chrono::milliseconds timeout) {
  pollfd waiting{.fd = event_, .events = POLLIN, .revents = 0};
  const auto wait_ms = std::clamp<std::int64_t>(timeout.count(), 0, kMaxWaitMs);
  const int ready = ::poll(&waiting, 1, static_cast<int>(wait_ms));
  if (ready < 0 && errno == EINTR) return Wake::kInterrupted;
  if (ready <= 0) return Wake::kNothing;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t cleared = ::read(event_, &count, sizeof(count));
  return Wake::kCame;
}

std::chrono::nanoseconds Capture::since_last_put() const {
  return std::chrono::steady_clock::now() - last_put_.load(std::memory_order_acquire);
}

std::uint64_t Capture::dropped() const {
  const auto frames = static_cast<double>(dropped_frames_.load());
  return static_cast<std::uint64_t>(std::llround(frames * kSampleRateHz / format_.rate_hz));
}

}  // namespace wakebuilder::audio
