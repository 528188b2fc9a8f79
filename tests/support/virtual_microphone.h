// Microphones for machines without one: ALSA devices that record what a test says. Needs
// WITH_MICROPHONE in wakebuilder_add_test().
#pragma once

#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "support/temporary_folder.h"

namespace wakebuilder::test {

/// While it lives, these are all the devices that ALSA knows, in this process and in programs that
/// it starts (by ALSA_CONFIG_PATH). The plug-in behind them is virtual_microphone_plug_in.cc.
class VirtualMicrophones {
 public:
  struct Device {
    std::string name;
    int rate_hz = 16000;
    int channels = 1;
    std::string end = "hangup";  ///< how it goes away: "hangup", "error", "stuck"
  };

  explicit VirtualMicrophones(const std::vector<Device>& devices) {
    ::setenv("ALSA_CONFIG_PATH", (folder_ / "asound.conf").c_str(), 1);
    configure(devices);
  }
  VirtualMicrophones(const VirtualMicrophones&) = delete;
  VirtualMicrophones& operator=(const VirtualMicrophones&) = delete;
  ~VirtualMicrophones() {
    for (const auto& [name, pipe] : pipes_) ::close(pipe);
    ::unsetenv("ALSA_CONFIG_PATH");
  }

  /// From now on these devices; those that have been there keep their sound.
  void configure(const std::vector<Device>& devices) {
    // PortAudio needs a device `default`; this one cannot be opened and is therefore not listed.
    std::string text = "pcm_type.wakebuilder_pipe { lib \"" WAKEBUILDER_MICROPHONE_PLUG_IN "\" }\n";
    text += "pcm.default { type empty slave.pcm \"nothing\" }\n";
    for (const Device& device : devices) {
      text += "pcm.\"" + device.name + "\" { type wakebuilder_pipe pipe \"" +
              (folder_ / device.name).string() + "\" rate " + std::to_string(device.rate_hz) +
              " channels " + std::to_string(device.channels) + " end \"" + device.end + "\" }\n";
      plug_in(device.name);
    }
    configure_as(text);
  }

  /// ALSA's configuration, as it is.
  void configure_as(const std::string& text) { write(folder_ / "asound.conf", text); }

  const std::filesystem::path& folder() const { return folder_.path(); }

  /// What the device hears next, interleaved. It is taken as fast as it can be; the pipe holds half
  /// a million samples that nobody has taken yet, then this waits.
  void speak(const std::string& name, std::span<const std::int16_t> samples) {
    auto bytes = std::as_bytes(samples);
    while (!bytes.empty()) {
      const ssize_t count = ::write(pipes_.at(name), bytes.data(), bytes.size());
      if (count <= 0) throw std::runtime_error("cannot write to the microphone " + name);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

  /// The device goes away when it has heard all that was said.
  void pull_out(const std::string& name) {
    ::close(pipes_.at(name));
    pipes_.erase(name);
  }

  /// The device is there again.
  void plug_in(const std::string& name) {
    if (pipes_.contains(name)) return;
    const std::string path = (folder_ / name).string();
    ::mkfifo(path.c_str(), 0600);
    // For reading as well, so that it need not wait for a reader.
    const int pipe = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (pipe < 0) throw std::runtime_error("cannot open " + path);
    ::fcntl(pipe, F_SETPIPE_SZ, 1 << 20);
    pipes_[name] = pipe;
  }

 private:
  TemporaryFolder folder_;
  std::map<std::string, int> pipes_;
};

}  // namespace wakebuilder::test
