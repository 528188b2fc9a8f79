#include "wakebuilder/pipeline/evaluate.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <mutex>
#include <set>
#include <utility>

#include "wakebuilder/audio/recordings.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/parallel.h"
#include "wakebuilder/core/sha256.h"
#include "wakebuilder/corpus/random.h"

#include "pipeline/evaluation_clip.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;

// ---- files ----

struct SoundFile {
  fs::path path;
  fs::path root;  ///< of the folders that were named
  bool positive = false;
  std::uint64_t fingerprint = 0;  ///< of its bytes
};

Result<std::vector<SoundFile>> list(const std::vector<fs::path>& roots, bool positive) {
  std::vector<SoundFile> all;
  for (const fs::path& root : roots) {
    WAKEBUILDER_TRY(const auto files, audio::find_recordings(root));
    for (const fs::path& file : files) all.push_back({file, root, positive, 0});
  }
  std::ranges::stable_sort(all, {}, &SoundFile::path);
  return all;
}

struct Sounds {
  std::vector<SoundFile> files;  ///< positives first, each once
  std::size_t duplicates = 0;
  std::vector<SkippedFile> skipped;
};

/// Keeps the first of files with the same bytes.
void add_unique(std::vector<SoundFile> files, std::set<std::string>& seen, Sounds& sounds) {
  for (SoundFile& file : files) {
    const auto mapped = core::MappedFile::open(file.path);
    if (!mapped) {
      sounds.skipped.push_back({file.path, mapped.error().message});
      continue;
    }
    const std::string digits = core::sha256_hex((*mapped)->bytes());
    file.fingerprint = std::stoull(digits.substr(0, 16), nullptr, 16);
    if (seen.insert(digits).second) {
      sounds.files.push_back(std::move(file));
    } else {
      ++sounds.duplicates;
    }
  }
}

Result<Sounds> find_sounds(const EvaluateOptions& options) {
  WAKEBUILDER_TRY(auto positives, list(options.positive, true));
  WAKEBUILDER_TRY(auto negatives, list(options.negative, false));
  Sounds sounds;
  std::set<std::string> seen;
  add_unique(std::move(positives), seen, sounds);
  add_unique(std::move(negatives), seen, sounds);
  return sounds;
}

// ---- listening ----

/// What models heard in a file.
struct Heard {
  double seconds = 0;
  std::vector<Trace> traces;  ///< one per model
  std::string problem;        ///< why it could not be heard
};

/// Only whole means count, or where there is none, single scores; times from the clip's begin.
Trace whole_means(const std::vector<runtime::Score>& scores, std::size_t word,
                  std::size_t smoothing) {
  Trace means;
  Trace singles;
  for (const runtime::Score& score : scores) {
    if (score.word != word) continue;
    const double time_s = score.time_s - kEdgeS;
    singles.push_back({time_s, score.probability});
    if (singles.size() >= smoothing) means.push_back({time_s, score.smoothed});
  }
  return means.empty() ? singles : means;
}

Result<Heard> hear(runtime::Detector& detector, const EvaluationClip& clip,
                   const std::optional<MixedNoise>& noise) {
  std::vector<runtime::Score> scores;
  const auto keep = [&] {
    scores.insert(scores.end(), detector.scores().begin(), detector.scores().end());
  };
  detector.reset();
  const auto push = [&](std::span<const float> samples) -> Result<void> {
    WAKEBUILDER_CHECK(detector.push(samples));
    keep();
    return {};
  };
  WAKEBUILDER_CHECK(clip.hear(noise, push));
  WAKEBUILDER_CHECK(detector.finish());
  keep();
  Heard heard{.seconds = clip.seconds(), .traces = {}, .problem = {}};
  for (std::size_t word = 0; word < detector.words().size(); ++word)
    heard.traces.push_back(whole_means(scores, word, detector.words()[word].decision.smoothing));
  if (std::ranges::any_of(scores, [](const auto& score) { return std::isnan(score.probability); }))
    heard.problem = "a model answered with what is no number";
  return heard;
}

/// Goes through the files with a detector for each thread.
class Hearing {
 public:
  Hearing(const std::vector<SoundFile>& files, const std::optional<MixedNoise>& noise,
          std::uint64_t seed, const EvaluateObserver& observer)
      : files_(files), noise_(noise), seed_(seed), observer_(observer), heard_(files.size()) {}

  std::vector<Heard> run(std::vector<Listening>& listening) {
    core::for_each_job(listening.size(), listening.size(), [&](std::size_t thread) {
      for (std::size_t i = next_++; i < files_.size(); i = next_++) {
        heard_[i] = hear_file(listening[thread].detector, files_[i]);
        tell();
      }
    });
    return std::move(heard_);
  }

 private:
  Heard hear_file(runtime::Detector& detector, const SoundFile& file) const {
    const auto clip = EvaluationClip::open(file.path, seed_ ^ file.fingerprint);
    auto heard = clip ? hear(detector, *clip, noise_) : Result<Heard>(fail(clip.error()));
    if (heard) return *std::move(heard);
    return {.seconds = 0, .traces = {}, .problem = heard.error().message};
  }

  void tell() {
    const std::lock_guard lock(mutex_);
    ++done_;
    if (observer_) observer_(done_, files_.size());
  }

  const std::vector<SoundFile>& files_;
  const std::optional<MixedNoise>& noise_;
  std::uint64_t seed_;
  const EvaluateObserver& observer_;
  std::vector<Heard> heard_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::size_t done_ = 0;
};

// ---- counting ----

struct Clip {
  SoundFile file;
  Heard heard;
};

/// All that was heard, seen by one model.
class Judgement {
 public:
  Judgement(const std::vector<Clip>& clips, std::size_t model, const std::vector<double>& wanted)
      : clips_(clips), model_(model), wanted_(wanted), rates_(rates_of(clips, model)) {}

  ModelEvaluation judge(std::string name) const {
    ModelEvaluation result{.model = std::move(name),
                           .points = {},
                           .auc = rates_.auc(),
                           .eer = rates_.equal_error_rate(),
                           .folders = {},
                           .false_accepts = {},
                           .missed = missed(),
                           .curve = curve()};
    for (const double rate : wanted_) result.points.push_back(rates_.at(rate));
    result.folders = folders(result.points);
    result.false_accepts = highest_false_accepts();
    return result;
  }

 private:
  const Trace& trace(const Clip& clip) const { return clip.heard.traces[model_]; }

  static ErrorRates rates_of(const std::vector<Clip>& clips, std::size_t model) {
    std::vector<double> positives;
    std::vector<Trace> negatives;
    double seconds = 0;
    for (const Clip& clip : clips) {
      const Trace& trace = clip.heard.traces[model];
      if (clip.file.positive) {
        positives.push_back(highest(trace));
      } else {
        negatives.push_back(trace);
        seconds += clip.heard.seconds;
      }
    }
    return {std::move(positives), std::move(negatives), seconds / 3600};
  }

  std::vector<OperatingPoint> curve() const {
    std::vector<OperatingPoint> points;
    for (int step = -20; step <= 40; ++step) points.push_back(rates_.at(std::pow(10, step / 20.0)));
    return points;
  }

  std::vector<ClipScore> missed() const {
    const double threshold = rates_.at(1).threshold;
    std::vector<ClipScore> clips;
    for (const Clip& clip : clips_) {
      const double score = highest(trace(clip));
      if (clip.file.positive && score <= threshold)
        clips.push_back({.file = clip.file.path, .time_s = 0, .score = score});
    }
    std::ranges::stable_sort(clips, {}, &ClipScore::score);
    return clips;
  }

  std::vector<ClipScore> highest_false_accepts() const {
    const double threshold = above(rates_.at(std::ranges::max(wanted_)).threshold);
    std::vector<ClipScore> clips;
    for (const Clip& clip : clips_) {
      if (clip.file.positive) continue;
      for (const auto& [time_s, score] : false_accepts(trace(clip), threshold))
        clips.push_back({.file = clip.file.path, .time_s = time_s, .score = score});
    }
    std::ranges::stable_sort(clips, std::greater<>(), &ClipScore::score);
    return clips;
  }

  static double above(double score) {
    return std::nextafter(score, std::numeric_limits<double>::infinity());
  }

  /// The root of a clip and the folders below it that lead to the clip.
  static std::vector<fs::path> folders_of(const SoundFile& file) {
    std::vector<fs::path> folders = {file.root};
    const fs::path below = file.path.lexically_relative(file.root).parent_path();
    if (file.path == file.root) return folders;
    for (const fs::path& part : below) folders.push_back(folders.back() / part);
    return folders;
  }

  double count(const Clip& clip, double threshold) const {
    if (clip.file.positive) return highest(trace(clip)) <= threshold ? 1 : 0;
    return static_cast<double>(false_accepts(trace(clip), above(threshold)).size());
  }

  void add(const Clip& clip, const std::vector<OperatingPoint>& points,
           FolderResult& folder) const {
    ++folder.clips;
    folder.hours += clip.heard.seconds / 3600;
    for (std::size_t i = 0; i < points.size(); ++i)
      folder.rates[i] += count(clip, points[i].threshold);
  }

  static FolderResult& find(std::vector<FolderResult>& folders, const fs::path& path, bool positive,
                            std::size_t rates) {
    const auto found = std::ranges::find_if(folders, [&](const FolderResult& folder) {
      return folder.folder == path && folder.positive == positive;
    });
    if (found != folders.end()) return *found;
    return folders.emplace_back(FolderResult{path, positive, 0, 0, std::vector<double>(rates)});
  }

  std::vector<FolderResult> folders(const std::vector<OperatingPoint>& points) const {
    std::vector<FolderResult> folders;
    for (const Clip& clip : clips_)
      for (const fs::path& path : folders_of(clip.file))
        add(clip, points, find(folders, path, clip.file.positive, points.size()));
    for (FolderResult& folder : folders)
      for (double& rate : folder.rates)
        rate /= folder.positive ? static_cast<double>(folder.clips) : folder.hours;
    return folders;
  }

  const std::vector<Clip>& clips_;
  std::size_t model_;
  const std::vector<double>& wanted_;
  ErrorRates rates_;
};

// ---- the verb ----

Result<void> check(const EvaluateOptions& options) {
  const auto refuse = [](const std::string& sentence) {
    return fail(ErrorCode::kInvalidArgument, sentence);
  };
  if (options.positive.empty())
    return refuse("--positive: expected folders with the wake word, found none");
  if (options.negative.empty())
    return refuse("--negative: expected folders without the wake word, found none");
  if (options.snr_db && !(*options.snr_db >= -50 && *options.snr_db <= 100))
    return refuse("--snr: expected a number of dB from -50 to 100, found " +
                  std::to_string(*options.snr_db));
  if (options.threads > 256)
    return refuse("--threads: expected 1 to 256, found " + std::to_string(options.threads));
  const auto& rates = options.false_accepts_per_hour;
  if (rates.empty()) return refuse("--false-accepts-per-hour: expected numbers, found none");
  for (const double rate : rates) {
    if (!(rate > 0 && std::isfinite(rate)))
      return refuse("--false-accepts-per-hour: expected numbers above 0, found " +
                    std::to_string(rate));
  }
  return {};
}

std::size_t threads_of(const EvaluateOptions& options, std::size_t files) {
  const std::size_t wanted = options.threads > 0 ? options.threads : core::all_threads();
  return std::max<std::size_t>(1, std::min(wanted, files));
}

Result<std::vector<Listening>> open_all(std::span<const ListenTarget> targets,
                                        const ListenOptions& options, std::size_t threads) {
  std::vector<Listening> all;
  for (std::size_t i = 0; i < threads; ++i) {
    WAKEBUILDER_TRY(auto listening, listen(targets, options));
    all.push_back(std::move(listening));
  }
  return all;
}

Result<std::vector<float>> make_noise(const std::vector<SoundFile>& files,
                                      const EvaluateOptions& options) {
  if (!options.snr_db) return std::vector<float>();
  std::vector<fs::path> speech;
  for (const SoundFile& file : files)
    if (!file.positive) speech.push_back(file.path);
  if (speech.empty())
    return fail(ErrorCode::kInvalidArgument,
                "expected negatives that are not copies of positives, found none");
  corpus::Random random(options.seed);
  return evaluation_noise(speech, random);
}

/// Clips that were heard; the others are told.
std::vector<Clip> sort_out(std::vector<SoundFile> files, std::vector<Heard> heard,
                           EvaluateReport& report) {
  std::vector<Clip> clips;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!heard[i].problem.empty()) {
      report.skipped.push_back({files[i].path, heard[i].problem});
      continue;
    }
    ++(files[i].positive ? report.positives : report.negatives);
    if (!files[i].positive) report.negative_hours += heard[i].seconds / 3600;
    clips.push_back({std::move(files[i]), std::move(heard[i])});
  }
  return clips;
}

Result<void> check(const EvaluateReport& report) {
  if (report.positives > 0 && report.negatives > 0) return {};
  const std::string side = report.positives == 0 ? "positives" : "negatives";
  if (!report.skipped.empty())
    return fail(ErrorCode::kCorrupt, "expected " + side + " that can be heard, found none; " +
                                         report.skipped.front().reason);
  return fail(ErrorCode::kInvalidArgument,
              "expected " + side + " that are not copies of other files, found none");
}

}  // namespace

Result<EvaluateReport> evaluate(std::span<const ListenTarget> targets,
                                const EvaluateOptions& options, const EvaluateObserver& observer) {
  WAKEBUILDER_CHECK(check(options));
  WAKEBUILDER_TRY(auto sounds, find_sounds(options));
  WAKEBUILDER_TRY(auto listening,
                  open_all(targets, options.listen, threads_of(options, sounds.files.size())));
  WAKEBUILDER_TRY(const auto noise_samples, make_noise(sounds.files, options));
  std::optional<MixedNoise> noise;
  if (options.snr_db) noise = MixedNoise{.samples = noise_samples, .snr_db = *options.snr_db};
  auto heard = Hearing(sounds.files, noise, options.seed, observer).run(listening);
  EvaluateReport report;
  report.duplicates = sounds.duplicates;
  report.skipped = std::move(sounds.skipped);
  report.snr_db = options.snr_db;
  report.seed = options.seed;
  report.modes = listening.front().modes;
  const auto clips = sort_out(std::move(sounds.files), std::move(heard), report);
  WAKEBUILDER_CHECK(check(report));
  const auto& words = listening.front().detector.words();
  for (std::size_t model = 0; model < words.size(); ++model)
    report.models.push_back(
        Judgement(clips, model, options.false_accepts_per_hour).judge(words[model].model));
  return report;
}

}  // namespace wakebuilder::pipeline
