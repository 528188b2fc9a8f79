// Sound for tests: golden files, and WAV files made byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/temporary_folder.h"

namespace wakebuilder::audio::test {

inline std::filesystem::path data(const std::string& name) {
  return std::filesystem::path(WAKEBUILDER_TEST_DATA) / "audio" / name;
}

/// Numbers of a raw little-endian file in tests/data/audio.
template <class T>
std::vector<T> numbers(const std::string& name) {
  const std::string bytes = wakebuilder::test::read(data(name));
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

struct Wav {
  std::uint16_t format = 1;  ///< 1 PCM, 3 float
  std::uint16_t channels = 1;
  std::uint32_t rate_hz = 16000;
  std::uint16_t bits = 16;
  std::string samples;                   ///< bytes
  std::uint32_t declared = 0xffffffffU;  ///< size of the data chunk; this value: what is there
};

inline std::string bytes_of(const Wav& wav) {
  std::string out;
  const auto put16 = [&](std::uint16_t value) {
    out.append(reinterpret_cast<const char*>(&value), 2);
  };
  const auto put32 = [&](std::uint32_t value) {
    out.append(reinterpret_cast<const char*>(&value), 4);
  };
  const auto size = static_cast<std::uint32_t>(wav.samples.size());
  const auto frame = static_cast<std::uint16_t>(wav.channels * wav.bits / 8);
  out += "RIFF";
  put32(36 + size);
  out += "WAVEfmt ";
  put32(16);
  put16(wav.format);
  put16(wav.channels);
  put32(wav.rate_hz);
  put32(wav.rate_hz * frame);
  put16(frame);
  put16(wav.bits);
  out += "data";
  put32(wav.declared == 0xffffffffU ? size : wav.declared);
  return out + wav.samples;
}

template <class T>
std::string samples_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// Noise that is the same everywhere, within +-0.5.
inline std::vector<float> noise(std::size_t count, std::uint32_t seed = 1) {
  std::vector<float> values(count);
  for (float& value : values) {
    seed = seed * 1664525U + 1013904223U;
    value = static_cast<float>(seed >> 8U) / 16777216.0F - 0.5F;
  }
  return values;
}

}  // namespace wakebuilder::audio::test
