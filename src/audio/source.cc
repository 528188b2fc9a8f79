#include "wakebuilder/audio/source.h"

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <poll.h>

#include "wakebuilder/audio/reader.h"

namespace wakebuilder::audio {
namespace {

constexpr std::size_t kPiece = 16'000;
constexpr int kWaitMs = 100;

class Recording final : public SoundSource {
 public:
  Recording(AudioReader reader, const std::filesystem::path& path)
      : reader_(std::move(reader)), name_(path.string()), samples_(kPiece) {}

  const std::string& name() const override { return name_; }

  Result<std::span<const float>> next() override {
    WAKEBUILDER_TRY(const auto count, reader_.read(samples_));
    return std::span<const float>(samples_).first(count);
  }

 private:
  AudioReader reader_;
  std::string name_;
  std::vector<float> samples_;
};

class Pcm final : public SoundSource {
 public:
  Pcm(int descriptor, std::string name, const volatile std::sig_atomic_t* is_stopped)
      : descriptor_(descriptor), name_(std::move(name)), is_stopped_(is_stopped) {}

  const std::string& name() const override { return name_; }

  Result<std::span<const float>> next() override {
    // At least one whole sample, or the end.
    while (kept_ < 2) {
      WAKEBUILDER_TRY(const auto count, read_some());
      if (count == 0) return end();
      kept_ += count;
    }
    return convert();
  }

 private:
  bool stopped() const { return is_stopped_ != nullptr && *is_stopped_ != 0; }

  /// Bytes that came behind the kept ones; 0 at the end.
  Result<std::size_t> read_some() {
    while (!stopped()) {
      pollfd waiting{.fd = descriptor_, .events = POLLIN, .revents = 0};
      const int ready = ::poll(&waiting, 1, kWaitMs);
      if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
      const ssize_t count = ::read(descriptor_, bytes_.data() + kept_, bytes_.size() - kept_);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR && errno != EAGAIN)
        // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc's is safe for known numbers
        return fail(ErrorCode::kIo, name_ + ": cannot be read: " + std::strerror(errno));
    }
    return 0;
  }

  Result<std::span<const float>> end() {
    if (kept_ == 0 || stopped()) return std::span<const float>();
    return fail(ErrorCode::kCorrupt, name_ + ": expected samples of 2 bytes, found 1 at the end");
  }

  std::span<const float> convert() {
    const std::size_t count = kept_ / 2;
    for (std::size_t i = 0; i < count; ++i) {
      const auto low = static_cast<unsigned>(bytes_[2 * i]);
      const auto high = static_cast<unsigned>(bytes_[2 * i + 1]);
      const auto bits = static_cast<std::uint16_t>(low | high << 8U);
      samples_[i] = static_cast<float>(std::bit_cast<std::int16_t>(bits)) / 32768.0F;
    }
    kept_ %= 2;
    bytes_[0] = bytes_[2 * count];
    return std::span<const float>(samples_).first(count);
  }

  int descriptor_;
  std::string name_;
  const volatile std::sig_atomic_t* is_stopped_;
  std::array<unsigned char, 4096 + 1> bytes_{};  ///< one more, so that half a sample can wait
  std::size_t kept_ = 0;
  std::array<float, 2048> samples_{};
};

class MicrophoneSource final : public SoundSource {
 public:
  MicrophoneSource(Microphone microphone, MicrophoneOptions options,
                   const volatile std::sig_atomic_t* is_stopped, SourceObserver on_trouble)
      : microphone_(std::move(microphone)),
        options_(std::move(options)),
        name_(microphone_->info().name),
        is_stopped_(is_stopped),
        on_trouble_(std::move(on_trouble)),
        samples_(kPiece) {}

  const std::string& name() const override { return name_; }
  std::uint64_t dropped() const override {
    return dropped_ + (microphone_ ? microphone_->dropped() : 0);
  }

  Result<std::span<const float>> next() override {
    while (*is_stopped_ == 0) {
      const std::size_t count = microphone_ ? read() : 0;
      if (count > 0) return std::span<const float>(samples_).first(count);
      if (!microphone_) look_again();
    }
    return std::span<const float>();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kWait{kWaitMs};
  static constexpr std::chrono::milliseconds kPause{500};

  std::size_t read() {
    const auto count = microphone_->read(samples_, kWait);
    tell_losses();
    if (count) return *count;
    on_trouble_(name_ + ": " + count.error().message + "; waiting for it");
    dropped_ += microphone_->dropped();
    microphone_.reset();
    return 0;
  }

  void tell_losses() {
    const auto now = Clock::now();
    if (dropped() == told_ || now - told_at_ < std::chrono::seconds(1)) return;
    on_trouble_(name_ + ": " + std::to_string(dropped() - told_) +
                " samples were lost: this machine is too slow, or busy");
    told_ = dropped();
    told_at_ = now;
  }

  void look_again() {
    std::this_thread::sleep_for(kPause);
    auto again = Microphone::open(options_);
    if (!again) return;
    microphone_.emplace(*std::move(again));
    on_trouble_(name_ + ": is back");
  }

  std::optional<Microphone> microphone_;
  MicrophoneOptions options_;
  std::string name_;
  const volatile std::sig_atomic_t* is_stopped_;
  SourceObserver on_trouble_;
  std::vector<float> samples_;
  std::uint64_t dropped_ = 0;  ///< of microphones that went away
  std::uint64_t told_ = 0;
  Clock::time_point told_at_{};
};

}  // namespace

Result<std::unique_ptr<SoundSource>> open_microphone(const MicrophoneOptions& options,
                                                     const volatile std::sig_atomic_t* is_stopped,
                                                     SourceObserver on_trouble) {
  WAKEBUILDER_TRY(auto microphone, Microphone::open(options));
  return std::unique_ptr<SoundSource>(std::make_unique<MicrophoneSource>(
      std::move(microphone), options, is_stopped, std::move(on_trouble)));
}

Result<std::unique_ptr<SoundSource>> open_recording(const std::filesystem::path& path) {
  WAKEBUILDER_TRY(auto reader, AudioReader::open(path));
  return std::unique_ptr<SoundSource>(std::make_unique<Recording>(std::move(reader), path));
}

std::unique_ptr<SoundSource> open_pcm(int descriptor, std::string name,
                                      const volatile std::sig_atomic_t* is_stopped) {
  return std::make_unique<Pcm>(descriptor, std::move(name), is_stopped);
}

}  // namespace wakebuilder::audio
