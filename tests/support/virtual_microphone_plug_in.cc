// An ALSA device that records what is written into a named pipe, for tests without a sound card:
//
//   pcm_type.wakebuilder_pipe { lib "/path/to/this.so" }
//   pcm.kitchen { type wakebuilder_pipe  pipe "/path/kitchen"  rate 16000  channels 1  end "hangup"
//   }
//
// 16-bit samples at this rate and with these channels, nothing else. Its clock are the writers: the
// pipe holds back who is too fast. When the last writer has closed the pipe and all was read, the
// device goes away in one of three ways:
//
//   hangup  as a card that was pulled out: poll() says so, and nothing comes any more
//   error   as a card that fails: poll() itself fails
//   stuck   as a sound server that has ended: an overrun that cannot be recovered from

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <poll.h>

namespace {

struct Device {
  snd_pcm_ioplug_t plug{};
  long rate_hz = 16000;
  long channels = 1;
  std::string pipe;
  std::string end = "hangup";
  snd_pcm_sframes_t taken_frames = 0;  ///< since it was prepared

  std::size_t frame_bytes() const { return static_cast<std::size_t>(channels) * 2; }

  snd_pcm_sframes_t waiting_frames() const {
    int bytes = 0;
    if (::ioctl(plug.poll_fd, FIONREAD, &bytes) != 0) return 0;
    return bytes / static_cast<snd_pcm_sframes_t>(frame_bytes());
  }

  bool is_gone() const {
    pollfd state{plug.poll_fd, POLLIN, 0};
    return ::poll(&state, 1, 0) > 0 && (state.revents & POLLHUP) != 0 && waiting_frames() == 0;
  }
};

Device& of(snd_pcm_ioplug_t* plug) { return *static_cast<Device*>(plug->private_data); }

int start(snd_pcm_ioplug_t* plug) {
  return of(plug).end == "stuck" && of(plug).is_gone() ? -ENODEV : 0;
}
int stop(snd_pcm_ioplug_t*) { return 0; }

int prepare(snd_pcm_ioplug_t* plug) {
  of(plug).taken_frames = 0;
  return start(plug);
}

/// Frames that have come since prepare(); never more than there is room for, so nothing overruns.
snd_pcm_sframes_t pointer(snd_pcm_ioplug_t* plug) {
  const Device& device = of(plug);
  if (device.end == "stuck" && device.is_gone()) return -EPIPE;
  const auto room = static_cast<snd_pcm_sframes_t>(plug->buffer_size - plug->period_size);
  return device.taken_frames + std::min(device.waiting_frames(), room);
}

int poll_revents(snd_pcm_ioplug_t* plug, pollfd* descriptors, unsigned count, unsigned short* out) {
  if (count != 1) return -EINVAL;
  const Device& device = of(plug);
  *out = static_cast<unsigned short>(descriptors->revents);
  if ((*out & POLLHUP) == 0) return 0;
  if (device.end == "error" && device.is_gone()) return -ENODEV;
  *out = device.end == "hangup" && device.is_gone() ? POLLERR : POLLIN;
  return 0;
}

snd_pcm_sframes_t transfer(snd_pcm_ioplug_t* plug, const snd_pcm_channel_area_t* areas,
                           snd_pcm_uframes_t offset, snd_pcm_uframes_t frames) {
  Device& device = of(plug);
  auto* start = static_cast<unsigned char*>(areas[0].addr) + (areas[0].first / 8) +
                offset * device.frame_bytes();
  const ssize_t bytes = ::read(plug->poll_fd, start, frames * device.frame_bytes());
  if (bytes <= 0) return bytes < 0 ? -errno : -ENODEV;
  const auto taken = bytes / static_cast<ssize_t>(device.frame_bytes());
  device.taken_frames += taken;
  return taken;
}

int close_device(snd_pcm_ioplug_t* plug) {
  const std::unique_ptr<Device> device(&of(plug));
  return ::close(plug->poll_fd);
}

const snd_pcm_ioplug_callback_t kCallbacks = [] {
  snd_pcm_ioplug_callback_t callbacks{};
  callbacks.start = start;
  callbacks.stop = stop;
  callbacks.prepare = prepare;
  callbacks.pointer = pointer;
  callbacks.transfer = transfer;
  callbacks.close = close_device;
  callbacks.poll_revents = poll_revents;
  return callbacks;
}();

int limit(snd_pcm_ioplug_t* plug) {
  const auto set = [plug](int what, auto... values) {
    const std::array<unsigned, sizeof...(values)> list{static_cast<unsigned>(values)...};
    return snd_pcm_ioplug_set_param_list(plug, what, list.size(), list.data());
  };
  const Device& device = of(plug);
  int error = set(SND_PCM_IOPLUG_HW_ACCESS, SND_PCM_ACCESS_RW_INTERLEAVED);
  if (error >= 0) error = set(SND_PCM_IOPLUG_HW_FORMAT, SND_PCM_FORMAT_S16_LE);
  if (error >= 0) error = set(SND_PCM_IOPLUG_HW_CHANNELS, device.channels);
  if (error >= 0) error = set(SND_PCM_IOPLUG_HW_RATE, device.rate_hz);
  return error;
}

/// The fields of the device's configuration; those that every device may have are left alone.
int configure(Device& device, snd_config_t* conf) {
  snd_config_iterator_t i = nullptr;
  snd_config_iterator_t next = nullptr;
  snd_config_for_each(i, next, conf) {
    snd_config_t* entry = snd_config_iterator_entry(i);
    const char* id = nullptr;
    const char* text = nullptr;
    if (snd_config_get_id(entry, &id) < 0) continue;
    if (id == std::string("rate")) snd_config_get_integer(entry, &device.rate_hz);
    if (id == std::string("channels")) snd_config_get_integer(entry, &device.channels);
    if (id == std::string("end") && snd_config_get_string(entry, &text) >= 0) device.end = text;
    if (id == std::string("pipe") && snd_config_get_string(entry, &text) >= 0) device.pipe = text;
  }
  return device.pipe.empty() ? -EINVAL : 0;
}

int create(Device& device, const char* name, snd_pcm_stream_t stream, int mode) {
  device.plug.version = SND_PCM_IOPLUG_VERSION;
  device.plug.name = "a pipe of wakebuilder's tests";
  device.plug.flags = SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
  device.plug.poll_events = POLLIN;
  device.plug.callback = &kCallbacks;
  device.plug.private_data = &device;
  device.plug.poll_fd = ::open(device.pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (device.plug.poll_fd < 0) return -errno;
  const int error = snd_pcm_ioplug_create(&device.plug, name, stream, mode);
  if (error < 0) ::close(device.plug.poll_fd);
  return error;
}

}  // namespace

extern "C" {
// The names are ALSA's.
// NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier)
SND_PCM_PLUGIN_DEFINE_FUNC(wakebuilder_pipe) {
  (void)root;
  if (stream != SND_PCM_STREAM_CAPTURE) return -ENODEV;
  auto device = std::make_unique<Device>();
  int error = configure(*device, conf);
  if (error >= 0) error = create(*device, name, stream, mode);
  if (error < 0) return error;
  snd_pcm_t* pcm = device->plug.pcm;
  error = limit(&device->plug);
  device.release();  // NOLINT(bugprone-unused-return-value): close_device() has it from here on
  if (error < 0)
    snd_pcm_close(pcm);
  else
    *pcmp = pcm;
  return error;
}
SND_PCM_PLUGIN_SYMBOL(wakebuilder_pipe)
// NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier)
}
