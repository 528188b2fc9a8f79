// flite, linked. Its voices, the lexicon and the memory of a synthesis are global variables, so one
// mutex lets one thread of the process in at a time: it makes a hundred seconds of speech in one.
#include <array>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <utility>

extern "C" {
#include <flite/flite.h>
#include <flite/flite_version.h>
// In no header of flite's.
cst_voice* register_cmu_us_awb(const char* folder);
cst_voice* register_cmu_us_kal(const char* folder);
cst_voice* register_cmu_us_kal16(const char* folder);
cst_voice* register_cmu_us_rms(const char* folder);
cst_voice* register_cmu_us_slt(const char* folder);
}

#include "wakebuilder/core/text.h"

#include "speech/engines.h"
#include "speech/sound.h"

namespace wakebuilder::speech {
namespace {

struct Entry {
  const char* name;
  cst_voice* (*make)(const char*);
  double usual_pitch_hz;  ///< kal's are set by flite; the others were measured
};

constexpr std::array kEntries = std::to_array<Entry>({{"kal", register_cmu_us_kal, 105},
                                                      {"kal16", register_cmu_us_kal16, 105},
                                                      {"awb", register_cmu_us_awb, 120},
                                                      {"rms", register_cmu_us_rms, 95},
                                                      {"slt", register_cmu_us_slt, 170}});

std::mutex& flite_mutex() {
  static std::mutex mutex;
  return mutex;
}

struct DeleteWave {
  void operator()(cst_wave* wave) const { ::delete_wave(wave); }
};
using Wave = std::unique_ptr<cst_wave, DeleteWave>;

class FliteVoice final : public Voice {
 public:
  /// @pre flite_mutex() is held
  explicit FliteVoice(const Entry& entry)
      : Voice(entry.name, VoiceGroup::kFlite, "en-us",
              std::string("flite ") + FLITE_PROJECT_VERSION),
        voice_(entry.make(nullptr)),
        usual_pitch_hz_(entry.usual_pitch_hz),
        usual_stretch_(feature("duration_stretch", 1)),
        usual_range_hz_(feature("int_f0_target_stddev", 12)) {}

 private:
  Rendering render(const Utterance& u, std::chrono::milliseconds /*limit*/) const override {
    if (!u.phonemes.empty())
      return fail(ErrorCode::kUnsupported, "flite takes text, not phonemes of espeak-ng");
    if (const auto check = check_ascii(u.text); !check) return fail(check.error());
    const Wave wave = synthesise(u);
    if (!wave || wave->num_channels != 1 || wave->num_samples <= 0)
      return fail(ErrorCode::kUnsupported, "flite said nothing");
    const std::span<const std::int16_t> samples(wave->samples,
                                                static_cast<std::size_t>(wave->num_samples));
    return decode(wav_of(samples, wave->sample_rate), "flite");
  }

  static Result<void> check_ascii(const std::string& text) {
    for (const char c : text) {
      if (static_cast<unsigned char>(c) >= 0x80U) {
        return fail(ErrorCode::kUnsupported,
                    "expected English letters, found \"" + core::quote(text) + "\"");
      }
    }
    return {};
  }

  Wave synthesise(const Utterance& u) const {
    const std::lock_guard lock(flite_mutex());
    std::srand(1);  // the breath of awb, rms and slt comes from rand()
    set("duration_stretch", usual_stretch_ / u.speed);
    set("int_f0_target_mean", usual_pitch_hz_ * u.pitch);
    set("int_f0_target_stddev", usual_range_hz_ * u.pitch * u.intonation);
    return Wave(::flite_text_to_wave(u.text.c_str(), voice_));
  }

  double feature(const char* name, double usual) const {
    return static_cast<double>(
        ::flite_get_param_float(voice_->features, name, static_cast<float>(usual)));
  }
  void set(const char* name, double value) const {
    ::flite_feat_set_float(voice_->features, name, static_cast<float>(value));
  }

  cst_voice* voice_;  ///< flite's own, a global variable
  double usual_pitch_hz_;
  double usual_stretch_;
  double usual_range_hz_;
};

std::vector<VoicePointer> make_voices() {
  const std::lock_guard lock(flite_mutex());
  ::flite_init();
  std::vector<VoicePointer> voices;
  voices.reserve(kEntries.size());
  for (const Entry& entry : kEntries) voices.push_back(std::make_shared<FliteVoice>(entry));
  return voices;
}

}  // namespace

std::vector<VoicePointer> flite_voices() {
  // Once: what a voice says later changes its features, which are its usual ones only now.
  static const std::vector<VoicePointer> kVoices = make_voices();
  return kVoices;
}

}  // namespace wakebuilder::speech
