#include "wakebuilder/audio/microphone.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>
#include <utility>

#include "wakebuilder/core/text.h"

#include "audio/capture.h"
#include "audio/portaudio.h"

namespace wakebuilder::audio {
namespace {

constexpr double kMaxBuffer_s = 600;
constexpr std::chrono::milliseconds kMaxClosing{1000};
constexpr std::chrono::hours kMaxWaiting{1};

using Devices = std::vector<PortAudio::Device>;
using Clock = std::chrono::steady_clock;

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// "\"desk\", \"kitchen\""
std::string listed(const Devices& devices) {
  std::string text;
  for (const auto& device : devices)
    text += (text.empty() ? "\"" : ", \"") + core::quote(device.info.name) + "\"";
  return text;
}

PortAudio::Device default_of(const Devices& devices) {
  const auto found =
      std::ranges::find_if(devices, [](const auto& device) { return device.info.is_default; });
  return found != devices.end() ? *found : devices.front();
}

Devices with_part(const Devices& devices, const std::string& part) {
  Devices found;
  std::ranges::copy_if(devices, std::back_inserter(found), [&](const auto& device) {
    return lower(device.info.name).find(lower(part)) != std::string::npos;
  });
  return found;
}

Result<PortAudio::Device> choose(const Devices& devices, const std::string& name) {
  if (devices.empty())
    return fail(ErrorCode::kUnavailable, "no microphone: no device here can record");
  if (name.empty()) return default_of(devices);
  const auto exact = std::ranges::find(devices, name, [](const auto& d) { return d.info.name; });
  if (exact != devices.end()) return *exact;
  const Devices found = with_part(devices, name);
  if (found.size() == 1) return found.front();
  const std::string quoted = "\"" + core::quote(name) + "\"";
  if (found.empty()) {
    return fail(ErrorCode::kNotFound,
                "no microphone has " + quoted + " in its name; there are " + listed(devices));
  }
  return fail(ErrorCode::kInvalidArgument, quoted + " is a part of the names of " +
                                               std::to_string(found.size()) +
                                               " microphones: " + listed(found));
}

Result<void> check(const MicrophoneOptions& options) {
  if (!(options.buffer_s > 0 && options.buffer_s <= kMaxBuffer_s)) {
    return fail(
        ErrorCode::kInvalidArgument,
        "expected a buffer above 0 and of at most 600 s, found " + core::to_text(options.buffer_s));
  }
  if (options.lost_after.count() > 0) return {};
  return fail(ErrorCode::kInvalidArgument,
              "expected a microphone to be lost after more than 0 ms, found " +
                  std::to_string(options.lost_after.count()));
}

}  // namespace

class Microphone::Impl {
 public:
  Impl(std::shared_ptr<InputStream> stream, MicrophoneInfo info, std::chrono::milliseconds lost)
      : stream_(std::move(stream)), info_(std::move(info)), lost_after_(lost) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { close_within(std::move(stream_), kMaxClosing); }

  Result<std::size_t> read(std::span<float> out, std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + std::min<std::chrono::milliseconds>(timeout, kMaxWaiting);
    for (bool has_waited = false;; has_waited = true) {
      const bool has_ended = capture().has_ended();  // before what it gave is looked at
      auto made = capture().take(out);
      if (!made) return fail_in(quoted_name(), std::move(made).error());
      if (*made > 0 || out.empty()) return *made;
      if (has_ended) return gone("has stopped; was it pulled out?");
      // Only after waiting: this program may itself have been stopped for a while.
      if (has_waited && capture().since_last_put() >= lost_after_)
        return gone("gives no sound any more; was it pulled out?");
      if (has_waited && Clock::now() >= deadline) return 0;
      if (!wait_until(deadline)) return 0;
    }
  }

  std::uint64_t dropped() const { return stream_->capture().dropped(); }
  const MicrophoneInfo& info() const { return info_; }

 private:
  Capture& capture() { return stream_->capture(); }
  std::string quoted_name() const { return "microphone \"" + core::quote(info_.name) + "\""; }

  /// False when a signal came.
  bool wait_until(Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    return capture().wait(std::min(left, lost_after_)) != Capture::Wake::kInterrupted;
  }

  tl::unexpected<Error> gone(const std::string& sentence) const {
    return fail(ErrorCode::kIo, quoted_name() + ": " + sentence);
  }

  std::shared_ptr<InputStream> stream_;
  MicrophoneInfo info_;
  std::chrono::milliseconds lost_after_;
};

Microphone::Microphone(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Microphone::Microphone(Microphone&&) noexcept = default;
Microphone& Microphone::operator=(Microphone&&) noexcept = default;
Microphone::~Microphone() = default;

Result<Microphone> Microphone::open(const MicrophoneOptions& options) {
  WAKEBUILDER_CHECK(check(options));
  WAKEBUILDER_TRY(auto portaudio, PortAudio::start());
  WAKEBUILDER_TRY(auto device, choose(portaudio->devices(), options.device));
  auto stream = InputStream::start(std::move(portaudio), device, options.buffer_s);
  if (!stream) {
    return fail_in("microphone \"" + core::quote(device.info.name) + "\"",
                   std::move(stream).error());
  }
  return Microphone(
      std::make_unique<Impl>(*std::move(stream), std::move(device.info), options.lost_after));
}

Result<std::size_t> Microphone::read(std::span<float> out, std::chrono::milliseconds timeout) {
  return impl_->read(out, timeout);
}

std::uint64_t Microphone::dropped() const { return impl_->dropped(); }

const MicrophoneInfo& Microphone::info() const { return impl_->info(); }

Result<std::vector<MicrophoneInfo>> microphones() {
  WAKEBUILDER_TRY(const auto portaudio, PortAudio::start());
  std::vector<MicrophoneInfo> found;
  for (auto& device : portaudio->devices()) found.push_back(std::move(device.info));
  return found;
}

}  // namespace wakebuilder::audio
