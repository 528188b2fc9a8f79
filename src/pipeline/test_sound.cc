#include "pipeline/test_sound.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <span>

#include "wakebuilder/core/expect.h"

#include "pipeline/normal.h"

// The file as it is, between two symbols.
// NOLINTNEXTLINE(hicpp-no-assembler)
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "wakebuilder_test_sound_begin:\n"
    ".incbin \"" WAKEBUILDER_TEST_SOUND
    "\"\n"
    "wakebuilder_test_sound_end:\n"
    ".popsection\n");
// NOLINTBEGIN(modernize-avoid-c-arrays,readability-identifier-naming)
extern "C" const std::byte wakebuilder_test_sound_begin[];
extern "C" const std::byte wakebuilder_test_sound_end[];
// NOLINTEND(modernize-avoid-c-arrays,readability-identifier-naming)

namespace wakebuilder::pipeline {
namespace {

constexpr std::size_t kWavHeader = 44;

/// The word over and over.
std::vector<float> repeated_word(std::size_t samples) {
  const std::vector<float> word = recorded_word();
  std::vector<float> sound(samples);
  for (std::size_t i = 0; i < samples; ++i) sound[i] = word[i % word.size()];
  return sound;
}

void add_noise(std::vector<float>& sound, double rms) {
  Normal normal;
  for (float& sample : sound)
    sample = static_cast<float>(static_cast<double>(sample) + rms * normal.next());
}

std::vector<float> chirp(std::size_t samples) {
  std::vector<float> sound(samples);
  const double duration = static_cast<double>(samples) / 16000.0;
  for (std::size_t i = 0; i < samples; ++i) {
    const double t = static_cast<double>(i) / 16000.0;
    const double turns = 50.0 * t + (7900.0 - 50.0) / (2.0 * duration) * t * t;
    sound[i] = static_cast<float>(0.5 * std::sin(2.0 * std::numbers::pi * turns));
  }
  return sound;
}

}  // namespace

std::vector<float> recorded_word() {
  const std::span file(wakebuilder_test_sound_begin, wakebuilder_test_sound_end);
  std::vector<std::int16_t> pcm((file.size() - kWavHeader) / sizeof(std::int16_t));
  std::memcpy(pcm.data(), file.data() + kWavHeader, pcm.size() * sizeof(std::int16_t));
  std::vector<float> samples;
  samples.reserve(pcm.size());
  for (const std::int16_t sample : pcm) samples.push_back(static_cast<float>(sample) / 32768.0F);
  return samples;
}

std::vector<float> test_sound(std::size_t row, std::size_t samples) {
  WAKEBUILDER_EXPECT(row < 7);
  std::vector<float> silence(samples);
  if (row == 5) return silence;
  if (row == 4) return chirp(samples);
  if (row == 3) {
    add_noise(silence, 0.1);
    return silence;
  }
  std::vector<float> sound = repeated_word(samples);
  if (row == 1) add_noise(sound, 0.02);
  if (row == 2) {
    for (float& sample : sound) sample *= 0.03F;
  }
  if (row == 6) {  // late: half of it is silence
    sound.insert(sound.begin(), samples / 2, 0.0F);
    sound.resize(samples);
  }
  return sound;
}

}  // namespace wakebuilder::pipeline
