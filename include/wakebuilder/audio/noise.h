// Levels of speech, and noise to put under it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace wakebuilder::audio {

/// How loud a recording is where something is said, and where nothing is.
struct SpeechLevel {
  double active_rms = 0;  ///< of the pieces that are at most 25 dB below the loudest; at least 1e-6
  double floor_rms = 0;   ///< the 5th percentile of the pieces, at most 40 dB below, at least 1e-5
  float peak = 0;         ///< the greatest absolute sample
};

/// Measures the level of a recording in pieces of 25 ms; a rest at the end counts for the peak
/// alone. Memory: 4 bytes per piece, 0.6 MB per hour.
class SpeechLevelMeter {
 public:
  void add(std::span<const float> samples);
  SpeechLevel level() const;

 private:
  std::vector<float> energies_;  ///< mean squares
  double energy_ = 0;            ///< of the piece that is not full
  std::size_t filled_ = 0;
  float peak_ = 0;
};

/// The same of a whole recording.
SpeechLevel speech_level(std::span<const float> samples);

/// Turns white noise into pink: power falls by 3 dB per octave, within 0.1 dB from 4 Hz up at
/// 16 kHz (Paul Kellet's refined filter, musicdsp.org). The begin is quiet until its states fill.
void make_pink(std::span<float> white);

/// Scales to a root mean square of 1; silence stays.
void normalise_rms(std::span<float> samples);

}  // namespace wakebuilder::audio
