#include "audio/portaudio.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <alsa/asoundlib.h>
#include <portaudio.h>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::audio {
namespace {

constexpr int kMaxChannels = 2;

/// PortAudio's own state is global. Nothing of this is ever destroyed: a stream that hangs may
/// outlive main().
struct Global {
  std::mutex mutex;
  int users = 0;
  std::FILE* shown_stderr = nullptr;  ///< while it is hidden
};
constinit Global global;

/// What C code prints to stderr goes nowhere until show_stderr(). glibc lets its variable be set;
/// std::cerr keeps the file that it began with.
void hide_stderr() {
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): open for good
  static std::FILE* const kNowhere = std::fopen("/dev/null", "we");
  if (kNowhere == nullptr) return;
  std::fflush(stderr);
  global.shown_stderr = std::exchange(stderr, kNowhere);
}

void show_stderr() {
  if (global.shown_stderr != nullptr) stderr = std::exchange(global.shown_stderr, nullptr);
}

/// PortAudio 19.6 ends the process by assert() where ALSA's configuration has no device `default`.
Result<void> check_alsa() {
  if (const int error = snd_config_update(); error < 0) {
    return fail(ErrorCode::kUnavailable,
                std::string("ALSA's configuration cannot be read: ") + snd_strerror(error));
  }
  snd_config_t* found = nullptr;
  if (snd_config_search(snd_config, "pcm.default", &found) >= 0) return {};
  return fail(ErrorCode::kUnavailable,
              "no microphone: ALSA's configuration has no device \"default\"");
}

Result<void> initialise() {
  WAKEBUILDER_CHECK(check_alsa());
  const PaError error = Pa_Initialize();
  if (error == paNoError) return {};
  return fail(ErrorCode::kUnavailable,
              std::string("PortAudio cannot start: ") + Pa_GetErrorText(error));
}

std::string reason(PaError error) {
  if (error == paDeviceUnavailable) return "it is busy or not there";
  if (error != paUnanticipatedHostError) return Pa_GetErrorText(error);
  const PaHostErrorInfo* host = Pa_GetLastHostErrorInfo();
  return host != nullptr && host->errorText != nullptr ? core::quote(host->errorText)
                                                       : Pa_GetErrorText(error);
}

PortAudio::Device describe(int index, const PaDeviceInfo& device) {
  const PaHostApiInfo* host = Pa_GetHostApiInfo(device.hostApi);
  return {.index = index,
          .info = {.name = device.name,
                   .host = host != nullptr ? host->name : "",
                   .channels = device.maxInputChannels,
                   .sample_rate_hz = device.defaultSampleRate,
                   .is_default = index == Pa_GetDefaultInputDevice()}};
}

}  // namespace

// ---- PortAudio

Result<std::shared_ptr<PortAudio>> PortAudio::start() {
  const std::scoped_lock lock(global.mutex);
  if (global.users == 0) {
    hide_stderr();
    if (auto initialised = initialise(); !initialised) {
      show_stderr();
      return fail(std::move(initialised).error());
    }
  }
  ++global.users;
  return std::shared_ptr<PortAudio>(new PortAudio);
}

PortAudio::~PortAudio() {
  const std::scoped_lock lock(global.mutex);
  if (--global.users > 0) return;
  Pa_Terminate();
  show_stderr();
}

std::vector<PortAudio::Device> PortAudio::devices() const {
  const std::scoped_lock lock(global.mutex);
  std::vector<Device> found;
  for (int index = 0; index < Pa_GetDeviceCount(); ++index) {
    const PaDeviceInfo* device = Pa_GetDeviceInfo(index);
    if (device != nullptr && device->maxInputChannels > 0)
      found.push_back(describe(index, *device));
  }
  return found;
}

// ---- InputStream

struct InputStream::Callbacks {
  static int put(const void* input, void* /*output*/, unsigned long frames,
                 const PaStreamCallbackTimeInfo* time, PaStreamCallbackFlags flags, void* stream) {
    Capture& capture = *static_cast<InputStream*>(stream)->capture_;
    const bool has_lost = (flags & paInputOverflow) != 0;
    if (input == nullptr) return paContinue;
    const std::size_t samples = frames * capture.format().channels;
    capture.put({static_cast<const float*>(input), samples}, time->inputBufferAdcTime, has_lost);
    return paContinue;
  }

  static void end(void* stream) { static_cast<InputStream*>(stream)->capture_->end(); }
};

struct InputStream::Attempt {
  double rate_hz;
  int channels;
};

Result<std::shared_ptr<InputStream>> InputStream::start(std::shared_ptr<PortAudio> portaudio,
                                                        const PortAudio::Device& device,
                                                        double buffer_s) {
  std::shared_ptr<InputStream> stream(new InputStream(std::move(portaudio)));
  WAKEBUILDER_TRY(const Attempt attempt, stream->open(device));
  WAKEBUILDER_CHECK(stream->run(attempt, buffer_s));
  return stream;
}

/// The first that the device takes, in the order of preference. PortAudio's question whether it
/// would take it is no help: it says no to devices that only record.
Result<InputStream::Attempt> InputStream::open(const PortAudio::Device& device) {
  const std::scoped_lock lock(global.mutex);
  const int channels = std::min(device.info.channels, kMaxChannels);
  const double own_hz = device.info.sample_rate_hz;
  PaError error = paNoError;
  for (const Attempt& attempt : {Attempt{kSampleRateHz, channels}, Attempt{own_hz, channels},
                                 Attempt{kSampleRateHz, 1}, Attempt{own_hz, 1}}) {
    const PaStreamParameters parameters{
        .device = device.index,
        .channelCount = attempt.channels,
        .sampleFormat = paFloat32,
        .suggestedLatency = Pa_GetDeviceInfo(device.index)->defaultHighInputLatency,
        .hostApiSpecificStreamInfo = nullptr};
    error = Pa_OpenStream(&stream_, &parameters, nullptr, attempt.rate_hz,
                          paFramesPerBufferUnspecified, paNoFlag, Callbacks::put, this);
    if (error == paNoError) return attempt;
    stream_ = nullptr;
    if (error == paDeviceUnavailable) break;
  }
  return fail(ErrorCode::kIo, "cannot be opened: " + reason(error));
}

Result<void> InputStream::run(const Attempt& attempt, double buffer_s) {
  const PaStreamInfo* info = Pa_GetStreamInfo(stream_);
  const double rate_hz = info != nullptr ? info->sampleRate : attempt.rate_hz;
  WAKEBUILDER_TRY(capture_, Capture::make({.rate_hz = static_cast<int>(std::lround(rate_hz)),
                                           .channels = static_cast<std::size_t>(attempt.channels),
                                           .buffer_s = buffer_s}));
  const std::scoped_lock lock(global.mutex);
  PaError error = Pa_SetStreamFinishedCallback(stream_, Callbacks::end);
  if (error == paNoError) error = Pa_StartStream(stream_);
  if (error == paNoError) return {};
  return fail(ErrorCode::kIo, "cannot be started: " + reason(error));
}

InputStream::~InputStream() {
  if (stream_ == nullptr) return;
  Pa_AbortStream(stream_);  // may wait for ever, so nothing is locked
  const std::scoped_lock lock(global.mutex);
  Pa_CloseStream(stream_);
}

void close_within(std::shared_ptr<InputStream> stream, std::chrono::milliseconds limit) {
  auto closed = std::make_shared<std::promise<void>>();
  const std::future<void> is_closed = closed->get_future();
  std::thread([stream = std::move(stream), closed]() mutable {
    stream.reset();
    closed->set_value();
  }).detach();
  is_closed.wait_for(limit);
}

}  // namespace wakebuilder::audio
