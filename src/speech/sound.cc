#include "speech/sound.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "wakebuilder/audio/reader.h"

namespace wakebuilder::speech {
namespace {

constexpr std::size_t kMostSamples = 120UL * 16000;
constexpr std::size_t kPieceSamples = 16000;
constexpr std::size_t kLeastSamples = 1600;           // a tenth of a second
constexpr float kLeastPeak = 1e-3F;                   // of full scale
constexpr std::uint32_t kUnknownLength = 0x7FF00000;  // from here on: "I do not know yet"

std::uint32_t number_at(std::string_view bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;)
    value = (value << 8U) | static_cast<unsigned char>(bytes[offset + i]);
  return value;
}

void put(std::string& bytes, std::size_t offset, std::size_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    bytes[offset + i] = static_cast<char>(value >> (8 * i) & 0xFFU);
}

/// RIFF: an id of four letters and a length before each chunk; the samples are in "data".
void mend_lengths(std::string& wav) {
  if (!wav.starts_with("RIFF") || wav.size() < 12) return;
  std::size_t chunk = 12;
  while (wav.size() - chunk >= 8) {
    const std::size_t size = number_at(wav, chunk + 4);
    const std::size_t left = wav.size() - chunk - 8;
    if (wav.compare(chunk, 4, "data") == 0 && size >= kUnknownLength) {
      put(wav, chunk + 4, left);
      put(wav, 4, wav.size() - 8);
      return;
    }
    if (left < size) return;
    chunk += std::min(8 + size + size % 2, wav.size() - chunk);
  }
}

void round_to_16_bits(std::span<float> samples) {
  for (float& sample : samples)
    sample = std::clamp(std::nearbyint(sample * 32768.0F), -32768.0F, 32767.0F) / 32768.0F;
}

Result<std::vector<float>> read_all(audio::AudioReader& reader, const std::string& name) {
  std::vector<float> samples;
  std::vector<float> piece(kPieceSamples);
  for (;;) {
    WAKEBUILDER_TRY(const std::size_t got, reader.read(piece));
    if (got == 0) return samples;
    samples.insert(samples.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got));
    if (samples.size() > kMostSamples)
      return fail(ErrorCode::kUnsupported, name + ": expected at most 120 s of sound, found more");
  }
}

bool is_silent(std::span<const float> samples) {
  return samples.size() < kLeastSamples ||
         std::none_of(samples.begin(), samples.end(),
                      [](float x) { return std::abs(x) >= kLeastPeak; });
}

}  // namespace

Result<std::vector<float>> decode(std::string recording, const std::string& name) {
  mend_lengths(recording);
  WAKEBUILDER_TRY(auto reader, audio::AudioReader::open(std::as_bytes(std::span(recording)), name));
  WAKEBUILDER_TRY(std::vector<float> samples, read_all(reader, name));
  if (is_silent(samples)) return fail(ErrorCode::kUnsupported, name + ": said nothing");
  round_to_16_bits(samples);
  return samples;
}

std::string wav_of(std::span<const std::int16_t> samples, int rate_hz) {
  // PCM, one channel; bytes per second; 2 bytes per frame of 16 bits.
  std::string wav = "RIFF----WAVEfmt \x10";
  wav.append("\0\0\0\1\0\1\0", 7).append(8, '\0').append("\2\0\20\0data----", 12);
  put(wav, 24, static_cast<std::size_t>(rate_hz));
  put(wav, 28, static_cast<std::size_t>(rate_hz) * 2);
  for (const std::int16_t sample : samples) {
    const auto bits = static_cast<std::uint16_t>(sample);
    wav.push_back(static_cast<char>(bits & 0xFFU));
    wav.push_back(static_cast<char>(bits >> 8U));
  }
  put(wav, 4, wav.size() - 8);
  put(wav, 40, samples.size() * 2);
  return wav;
}

}  // namespace wakebuilder::speech
