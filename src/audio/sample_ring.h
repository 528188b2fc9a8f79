// A queue of samples between one thread that writes and one that reads, without locks.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wakebuilder::audio {

/// Positions count all samples ever written and read; their remainder is the place in the ring.
/// Each is stored by one thread only, after it is done with the samples before it.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): each end has a cache line
class SampleRing {
 public:
  /// @pre capacity > 0
  explicit SampleRing(std::size_t capacity) : samples_(capacity) {}

  /// The writer's: how many of `samples` found room; the rest is not taken.
  std::size_t push(std::span<const float> samples) {
    const std::uint64_t written = written_.load(std::memory_order_relaxed);
    const std::uint64_t read = read_.load(std::memory_order_acquire);
    const std::size_t room = samples_.size() - static_cast<std::size_t>(written - read);
    const std::span<const float> taken = samples.first(std::min(room, samples.size()));
    const std::size_t place = written % samples_.size();
    const std::size_t before_end = std::min(taken.size(), samples_.size() - place);
    std::copy_n(taken.data(), before_end, samples_.data() + place);
    std::copy_n(taken.data() + before_end, taken.size() - before_end, samples_.data());
    written_.store(written + taken.size(), std::memory_order_release);
    return taken.size();
  }

  /// The reader's: the oldest samples, as many as lie side by side. They stay until pop(). The data
  /// is never null.
  std::span<const float> peek() const {
    const std::uint64_t read = read_.load(std::memory_order_relaxed);
    const std::uint64_t written = written_.load(std::memory_order_acquire);
    const std::size_t place = read % samples_.size();
    const auto count = static_cast<std::size_t>(written - read);
    return std::span(samples_).subspan(place, std::min(count, samples_.size() - place));
  }

  /// The reader's. @pre count <= peek().size()
  void pop(std::size_t count) {
    read_.store(read_.load(std::memory_order_relaxed) + count, std::memory_order_release);
  }

 private:
  std::vector<float> samples_;
  // A cache line for each: the threads do not wait for each other's.
  alignas(64) std::atomic<std::uint64_t> written_{0};
  alignas(64) std::atomic<std::uint64_t> read_{0};
};

}  // namespace wakebuilder::audio
