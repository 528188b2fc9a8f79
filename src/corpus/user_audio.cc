#include "wakebuilder/corpus/user_audio.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/audio/noise.h"
#include "wakebuilder/audio/reader.h"
#include "wakebuilder/audio/recordings.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/corpus/clip.h"
#include "wakebuilder/corpus/random.h"
#include "wakebuilder/corpus/recorded_word.h"

namespace wakebuilder::corpus {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRateHz = audio::kSampleRateHz;
constexpr double kSamplesPerHour = 3600.0 * kRateHz;

/// Cut at full scale.
void scale(std::span<float> samples, double gain) {
  for (float& sample : samples) sample = std::clamp(sample * static_cast<float>(gain), -1.0F, 1.0F);
}

// ---- words ----

constexpr double kMostDecodedS = 600;
constexpr std::size_t kLeastWord = kRateHz / 5;
constexpr std::size_t kMostWord = 5 * kRateHz;
constexpr float kFullScale = 0.999F;
constexpr double kMostClipped = 0.01;
constexpr double kLeastContrastDb = 6;

/// "0.15", "5.01", "30.0": never rounded up, so that what is refused does not look right.
std::string seconds_text(std::size_t samples) {
  const std::size_t hundredths = samples / (kRateHz / 100);
  const std::string digits = std::to_string(100 + hundredths % 100).substr(1);
  return std::to_string(hundredths / 100) + "." +
         (hundredths < 1000 ? digits : digits.substr(0, 1));
}

/// One digit behind the point.
std::string rounded(double number) { return core::to_text(std::round(number * 10) / 10); }

double decibels(double ratio) { return 20 * std::log10(ratio); }

/// The 5th percentile of the levels of 25 ms.
double floor_rms(std::span<const float> samples) {
  constexpr std::size_t kPiece = kRateHz / 40;
  std::vector<double> energies;
  for (; samples.size() >= kPiece; samples = samples.subspan(kPiece)) {
    double energy = 0;
    for (const float sample : samples.first(kPiece)) energy += double{sample} * double{sample};
    energies.push_back(energy / kPiece);
  }
  const auto place = energies.begin() + static_cast<std::ptrdiff_t>(energies.size() / 20);
  std::ranges::nth_element(energies, place);
  return std::sqrt(*place);
}

/// How far what is loud is above what is quiet.
double contrast_db(std::span<const float> samples) {
  constexpr double kLeastFloor = 1e-6;
  return decibels(audio::speech_level(samples).active_rms /
                  std::max(floor_rms(samples), kLeastFloor));
}

/// Samples at full scale are loud, so none of them are in the ends that were cut.
double clipped_share(std::span<const float> samples, std::size_t said) {
  const auto clipped =
      std::ranges::count_if(samples, [](float sample) { return std::abs(sample) >= kFullScale; });
  return static_cast<double>(clipped) / static_cast<double>(said);
}

std::string length_sentence(std::size_t samples) {
  return "expected 0.2 to 5 s of speech, found " + seconds_text(samples) + " s";
}

/// What is wrong with a recording; nothing: "".
/// @param spoken  samples in which something is loud
std::string problem_of(std::span<const float> samples, std::size_t spoken) {
  if (const double share = clipped_share(samples, spoken); share > kMostClipped)
    return "expected speech that is not clipped, found " + rounded(100 * share) +
           " % of the samples at full scale";
  if (const double contrast = contrast_db(samples); contrast < kLeastContrastDb)
    return "expected speech at least " + core::to_text(kLeastContrastDb) +
           " dB above its background, found " + rounded(contrast) + " dB";
  if (spoken < kLeastWord || spoken > kMostWord) return length_sentence(spoken);
  return {};
}

// ---- hours without the word ----

constexpr std::size_t kLeastNegative = kRateHz / 10;
constexpr double kMostGain = 10;

Result<void> check(const NegativeOptions& options) {
  if (!(options.most_hours >= 0.05 && options.most_hours <= 1000))
    return fail(ErrorCode::kInvalidArgument,
                "expected at most 0.05 to 1000 hours, found " + core::to_text(options.most_hours));
  if (!(options.piece_seconds >= 1 && options.piece_seconds <= 60))
    return fail(ErrorCode::kInvalidArgument,
                "expected pieces of 1 to 60 s, found " + core::to_text(options.piece_seconds));
  return {};
}

void level(std::span<float> samples) {
  scale(samples, std::min(kMostGain, kClipLevel / audio::speech_level(samples).active_rms));
}

/// The next samples, fewer at the end. Those before damage are in `out` when it is an error.
Result<void> read(audio::AudioReader& reader, std::size_t count, std::vector<float>& out) {
  out.resize(count);
  std::size_t filled = 0;
  while (filled < count) {
    const auto got = reader.read(std::span(out).subspan(filled));
    if (!got || *got == 0) {
      out.resize(filled);
      return got ? Result<void>() : fail(got.error());
    }
    filled += *got;
  }
  return {};
}

/// How long the header says that it is; nothing where it does not say, or may be wrong.
std::optional<std::uint64_t> declared_samples(const audio::AudioInfo& info) {
  constexpr double kMostCredible = 100 * kSamplesPerHour;
  if (!info.frames || info.format == "MP3") return std::nullopt;
  const double samples = static_cast<double>(*info.frames) * kRateHz / info.sample_rate_hz;
  if (samples > kMostCredible) return std::nullopt;
  return static_cast<std::uint64_t>(samples);
}

/// What comes before damage counts, where it is enough.
Result<std::uint64_t> counted_samples(audio::AudioReader& reader) {
  std::vector<float> piece(kRateHz);
  std::uint64_t samples = 0;
  for (;;) {
    const auto got = reader.read(piece);
    if (!got && samples < kLeastNegative) return fail(got.error());
    if (!got || *got == 0) return samples;
    samples += *got;
  }
}

struct Recording {
  fs::path file;
  std::uint64_t samples = 0;
};

Result<Recording> measure(const fs::path& file) {
  WAKEBUILDER_TRY(auto reader, audio::AudioReader::open(file));
  auto samples = declared_samples(reader.info());
  if (!samples) {
    WAKEBUILDER_TRY(samples, counted_samples(reader));
  }
  if (*samples < kLeastNegative)
    return fail(ErrorCode::kInvalidArgument,
                core::shown(file) + ": expected at least 0.1 s of sound, found " +
                    seconds_text(static_cast<std::size_t>(*samples)) + " s");
  return Recording{file, *samples};
}

/// Selection sampling (Knuth, The Art of Computer Programming, 3.4.2, algorithm S), where things
/// differ in size: each is chosen with the share that is still wanted of what is left.
class Choice {
 public:
  Choice(std::uint64_t all, std::uint64_t wanted, std::uint64_t seed)
      : left_(all), wanted_(wanted), random_(seed) {}

  bool choose(std::uint64_t size) {
    const double share = static_cast<double>(wanted_) / static_cast<double>(left_);
    const bool is_chosen = random_.chance(share) && size <= wanted_;
    left_ -= size;
    if (is_chosen) wanted_ -= size;
    return is_chosen;
  }

 private:
  std::uint64_t left_;
  std::uint64_t wanted_;
  Random random_;
};

/// A recording in equal pieces; the last takes the samples that are left over.
std::vector<std::size_t> cut(std::uint64_t samples, double piece_seconds) {
  const double pieces = static_cast<double>(samples) / (piece_seconds * kRateHz);
  const auto count = static_cast<std::size_t>(std::max(1.0, std::round(pieces)));
  std::vector<std::size_t> sizes(count, static_cast<std::size_t>(samples) / count);
  sizes.back() += static_cast<std::size_t>(samples) % count;
  return sizes;
}

class NegativeStream {
 public:
  NegativeStream(const NegativeOptions& options, const TakeNegative& take)
      : options_(options), take_(take) {}

  Result<NegativeSummary> run(std::span<const fs::path> files) {
    measure_all(files);
    const auto wanted = static_cast<std::uint64_t>(options_.most_hours * kSamplesPerHour);
    Choice choice(samples_, wanted, options_.seed);
    for (const Recording& recording : recordings_) WAKEBUILDER_CHECK(hear(recording, choice));
    summary_.hours = static_cast<double>(given_) / kSamplesPerHour;
    summary_.hours_found = static_cast<double>(samples_) / kSamplesPerHour;
    if (summary_.pieces > 0) return std::move(summary_);
    const std::string reason =
        summary_.skipped.empty() ? std::string() : "; " + summary_.skipped.front().reason;
    return fail(ErrorCode::kCorrupt,
                "expected recordings without the word that can be read, found none" + reason);
  }

 private:
  void measure_all(std::span<const fs::path> files) {
    for (const fs::path& file : files) {
      auto recording = measure(file);
      if (!recording) {
        summary_.skipped.push_back({file, recording.error().message});
        continue;
      }
      samples_ += recording->samples;
      ++summary_.files;
      recordings_.push_back(*std::move(recording));
    }
  }

  Result<void> hear(const Recording& recording, Choice& choice) {
    const auto sizes = cut(recording.samples, options_.piece_seconds);
    std::vector<bool> is_chosen(sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) is_chosen[i] = choice.choose(sizes[i]);
    while (!is_chosen.empty() && !is_chosen.back()) is_chosen.pop_back();
    if (is_chosen.empty()) return {};
    auto reader = audio::AudioReader::open(recording.file);
    if (!reader) return skip(recording.file, reader.error());
    for (std::size_t i = 0; i < is_chosen.size(); ++i) {
      const auto done = read(*reader, sizes[i], piece_);
      if (is_chosen[i]) WAKEBUILDER_CHECK(give(recording.file));
      if (!done) return skip(recording.file, done.error());
    }
    if (is_chosen.size() < sizes.size()) return {};
    const auto end = read(*reader, 1, piece_);  // what is wrong there is told by the end alone
    return end ? Result<void>() : skip(recording.file, end.error());
  }

  Result<void> give(const fs::path& file) {
    if (piece_.size() < kLeastNegative) return {};
    level(piece_);
    ++summary_.pieces;
    given_ += piece_.size();
    return take_(piece_, file);
  }

  Result<void> skip(const fs::path& file, const Error& error) {
    summary_.skipped.push_back({file, error.message});
    return {};
  }

  const NegativeOptions& options_;
  const TakeNegative& take_;
  NegativeSummary summary_;
  std::vector<Recording> recordings_;
  std::uint64_t samples_ = 0;  ///< of all recordings
  std::uint64_t given_ = 0;
  std::vector<float> piece_;
};

}  // namespace

Result<Frames> read_word_recording(const fs::path& path) {
  WAKEBUILDER_TRY(const auto samples, audio::load_audio(path, kMostDecodedS));
  const auto refuse = [&path](const std::string& sentence) {
    return fail(ErrorCode::kInvalidArgument, core::shown(path) + ": " + sentence);
  };
  if (samples.size() < kLeastWord) return refuse(length_sentence(samples.size()));
  const auto said = trimmed(samples);
  if (!said) return refuse("expected a recording of the word, found silence");
  // The room is heard best where nobody speaks, so the ends are not cut before.
  std::vector<float> levelled = samples;
  scale(levelled, kClipLevel / audio::speech_level(samples).active_rms);
  FoundWord found = find_word(log_mel(levelled));
  const std::size_t spoken = std::min(said->size(), found.loud_span * audio::kFrameShift);
  if (const auto problem = problem_of(samples, spoken); !problem.empty()) return refuse(problem);
  return std::move(found.frames);
}

Result<std::vector<fs::path>> list_recordings(std::span<const fs::path> paths) {
  std::vector<fs::path> all;
  for (const fs::path& path : paths) {
    WAKEBUILDER_TRY(const auto files, audio::find_recordings(path));
    all.insert(all.end(), files.begin(), files.end());
  }
  std::ranges::sort(all);
  std::set<fs::path> seen;
  std::erase_if(all, [&seen](const fs::path& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    return !seen.insert(error ? path : real).second;
  });
  return all;
}

Result<NegativeSummary> stream_negatives(std::span<const fs::path> paths,
                                         const NegativeOptions& options, const TakeNegative& take) {
  WAKEBUILDER_CHECK(check(options));
  WAKEBUILDER_TRY(const auto files, list_recordings(paths));
  return NegativeStream(options, take).run(files);
}

}  // namespace wakebuilder::corpus
