#include "cli/detect.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <ctime>
#include <iostream>
#include <memory>
#include <unistd.h>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/audio/source.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/pipeline/detect.h"
#include "wakebuilder/pipeline/detection_clips.h"
#include "wakebuilder/pipeline/detection_plot.h"
#include "wakebuilder/pipeline/listen.h"
#include "wakebuilder/pipeline/report.h"

#include "cli/command_hook.h"
#include "cli/interrupt.h"
#include "cli/live_meter.h"
#include "cli/report_error.h"
#include "cli/table.h"
#include "cli/target.h"

namespace wakebuilder::cli {
namespace {

namespace fs = std::filesystem;

// ---- text ----

std::string said(const runtime::Detection& detection, bool with_model) {
  return (with_model ? core::printable(detection.model) + " " : "") + "at " +
         fixed_text(detection.time_s, 2) + " s (score " + fixed_text(detection.score, 2) + ")";
}

std::string show(const pipeline::DetectReport& report) {
  const bool with_model = report.words.size() > 1;
  std::string text = core::printable(report.file) + ": ";
  if (!report.detected())
    return text + "nothing detected, highest score " + fixed_text(report.score(), 2) + "\n";
  text += "detected";
  for (std::size_t i = 0; i < report.detections.size(); ++i)
    text += (i == 0 ? " " : ", ") + said(report.detections[i], with_model);
  return text + "\n";
}

/// "2026-11-25T17:00:00Z"
std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

/// What recordings of a live stream begin their names with: none of another day is overwritten.
std::string stream_label() {
  std::string label = "live-" + utc_now();
  std::erase(label, ':');
  return label;
}

double level_dbfs(std::span<const float> samples) {
  double energy = 0;
  for (const float sample : samples)
    energy += static_cast<double>(sample) * static_cast<double>(sample);
  return 10 * std::log10(energy / static_cast<double>(samples.size()));
}

// ---- one source ----

/// Everything that happens while one source is listened to.
class Listener {
 public:
  Listener(const CommandLine& line, const DetectCommand& command, runtime::Detector& detector,
           bool is_live)
      : line_(line), command_(command), detector_(detector), is_live_(is_live) {}

  Result<void> listen(audio::SoundSource& source, CommandHook* hook, LiveMeter* meter) {
    hook_ = hook;
    meter_ = meter;
    WAKEBUILDER_CHECK(prepare(source));
    auto status = pipeline::detect(detector_, source, command_.scores, observer(), report_);
    if (meter_ != nullptr) meter_->clear();
    // What was heard before an error counts.
    if (clips_) WAKEBUILDER_CHECK(clips_->finish());
    if (plot_) WAKEBUILDER_CHECK(core::write_file(command_.plot, plot_->svg()));
    if (status || report_.detected()) answer();
    return status;
  }

  bool detected() const { return report_.detected(); }

 private:
  Result<void> prepare(const audio::SoundSource& source) {
    if (!command_.save_detections.empty()) {
      const std::string label = is_live_ ? stream_label() : fs::path(source.name()).stem().string();
      WAKEBUILDER_TRY(clips_, pipeline::DetectionClips::create(command_.save_detections, label));
    }
    std::vector<pipeline::PlotSeries> series;
    for (const runtime::WakeWord& word : detector_.words()) {
      series.push_back({.name = word.model, .threshold = word.decision.threshold});
      meter_models_.push_back({.name = word.model, .threshold = word.decision.threshold});
    }
    if (!command_.plot.empty())
      plot_.emplace(fs::path(source.name()).filename().string(), std::move(series));
    return {};
  }

  pipeline::DetectObserver observer() {
    return {.on_sound = [this](auto samples) { hear(samples); },
            .on_score = [this](const auto& score) { note(score); },
            .on_detection = [this](const auto& detection) { return react(detection); }};
  }

  void hear(std::span<const float> samples) {
    heard_ += samples.size();
    if (clips_ && clip_status_) clip_status_ = clips_->push(samples);
    if (plot_) plot_->add_sound(samples);
    if (hook_ != nullptr) say_complaints();
    const double seconds = static_cast<double>(heard_) / audio::kSampleRateHz;
    if (is_live_ && command_.seconds && seconds >= *command_.seconds) interrupted = 1;
    if (meter_ != nullptr) meter_->show(seconds, level_dbfs(samples), meter_models_);
  }

  void note(const runtime::Score& score) {
    meter_models_[score.word].score = score.smoothed;
    if (plot_) plot_->add_score(score.word, score.time_s, score.smoothed);
  }

  Result<void> react(const runtime::Detection& detection) {
    WAKEBUILDER_CHECK(clip_status_);
    if (clips_) clips_->add(detection);
    if (plot_) plot_->add_detection(detection.word, detection.time_s, detection.score);
    if (is_live_) answer(detection);
    return hook_ != nullptr ? run_hook(detection) : Result<void>();
  }

  Result<void> run_hook(const runtime::Detection& detection) {
    WAKEBUILDER_TRY(const bool is_started,
                    hook_->start({{"WAKEWORD", detector_.words()[detection.word].wake_word},
                                  {"MODEL", detection.model},
                                  {"SCORE", fixed_text(detection.score, 4)},
                                  {"TIME", fixed_text(detection.time_s, 3)}}));
    if (!is_started) {
      say("the command of --on-detect is still running " + std::to_string(hook_->running()) +
          " times; not started again at " + fixed_text(detection.time_s, 2) + " s");
    }
    say_complaints();
    return {};
  }

  void say_complaints() {
    hook_->poll();
    for (const std::string& complaint : hook_->take_complaints()) say(complaint);
  }

  void say(const std::string& sentence) {
    if (meter_ != nullptr) meter_->clear();
    std::cerr << "wakebuilder: detect: " << sentence << "\n";
  }

  /// Live: at once.
  void answer(const runtime::Detection& detection) {
    if (meter_ != nullptr && !line_.json) meter_->clear();
    if (line_.json) {
      auto value = pipeline::to_value(detection);
      value.get_if<core::Dict>()->emplace_back("at", utc_now());
      std::cout << core::to_json(value) << std::endl;
    } else {
      std::cout << utc_now() << "  " << said(detection, true) << std::endl;
    }
  }

  /// At the end of the source.
  void answer() {
    if (line_.json) {
      std::cout << core::to_json(pipeline::to_value(report_)) << std::endl;
    } else if (!is_live_) {
      std::cout << show(report_) << std::flush;
    } else {
      const std::size_t count = report_.detections.size();
      say(std::to_string(count) + (count == 1 ? " detection in " : " detections in ") +
          fixed_text(report_.seconds, 1) + " s of sound" +
          (report_.dropped > 0 ? ", " + std::to_string(report_.dropped) + " samples lost" : ""));
    }
  }

  const CommandLine& line_;
  const DetectCommand& command_;
  runtime::Detector& detector_;
  bool is_live_;
  CommandHook* hook_ = nullptr;
  LiveMeter* meter_ = nullptr;
  std::optional<pipeline::DetectionClips> clips_;
  Result<void> clip_status_;
  std::optional<pipeline::DetectionPlot> plot_;
  std::vector<MeterModel> meter_models_;
  std::uint64_t heard_ = 0;
  pipeline::DetectReport report_;
};

// ---- the command ----

constexpr std::string_view kStandardInput = "-";

struct Sounds {
  std::vector<std::string> recordings;
  bool is_live = false;  ///< standard input or the microphone
};

Result<std::vector<pipeline::ListenTarget>> find_models(const CommandLine& line,
                                                        const std::vector<std::string>& names) {
  std::vector<pipeline::ListenTarget> targets;
  for (const std::string& name : names) {
    WAKEBUILDER_TRY(auto target, listen_target(line.models, name));
    targets.push_back(std::move(target));
  }
  return targets;
}

Result<Sounds> find_sounds(const DetectCommand& command, std::vector<std::string> names) {
  Sounds sounds{.recordings = std::move(names), .is_live = command.microphone};
  const auto standard = std::ranges::count(sounds.recordings, kStandardInput);
  if (standard > 0) sounds.is_live = true;
  if (command.microphone && !sounds.recordings.empty()) {
    return fail(ErrorCode::kInvalidArgument, "expected recordings, or --microphone, found both");
  }
  if (standard > 0 && sounds.recordings.size() > 1) {
    return fail(ErrorCode::kInvalidArgument,
                "expected recordings, or - for standard input alone, found both");
  }
  if (!command.microphone && sounds.recordings.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "expected recordings, - for standard input, or --microphone, found none of them");
  }
  if (!command.plot.empty() && sounds.recordings.size() > 1) {
    return fail(ErrorCode::kInvalidArgument, "--plot: expected one recording, found " +
                                                 std::to_string(sounds.recordings.size()));
  }
  if (command.seconds && !sounds.is_live) {
    return fail(ErrorCode::kInvalidArgument,
                "--seconds: expected a live source, - or --microphone, found recordings");
  }
  return sounds;
}

void say_how(const pipeline::Listening& listening) {
  const auto say = [](const std::string& sentence) {
    std::cerr << "wakebuilder: detect: " << sentence << "\n";
  };
  for (const auto& mode : listening.modes)
    if (!mode.remark.empty()) say(core::printable(mode.model) + ": " + mode.remark);
  for (const auto& report : listening.providers) {
    for (const std::string& fallback : report.fallbacks) say(fallback);
    std::string nodes;
    for (const auto& [provider, count] : report.placements) {
      nodes += nodes.empty() ? "" : ", ";
      nodes += std::to_string(count) + " nodes on " + provider;
    }
    say(core::printable(report.models.front()) + ": runs " + nodes);
  }
}

Result<std::unique_ptr<audio::SoundSource>> open_source(const DetectCommand& command,
                                                        const std::string& name,
                                                        const audio::SourceObserver& on_trouble) {
  if (command.microphone)
    return audio::open_microphone({.device = command.device}, &interrupted, on_trouble);
  if (name == kStandardInput) return audio::open_pcm(STDIN_FILENO, "-", &interrupted);
  return audio::open_recording(name);
}

/// The worst of what happened: an error counts more than a detection.
class Outcome {
 public:
  explicit Outcome(const CommandLine& line) : line_(line) {}
  void add(bool is_detection) { is_detected_ = is_detected_ || is_detection; }
  void add(const std::string& file, const Error& error) {
    status_ = std::max(status_, report(line_, error, file));
  }
  int status() const { return status_ > 0 ? status_ : is_detected_ ? 0 : 1; }

 private:
  const CommandLine& line_;
  bool is_detected_ = false;
  int status_ = 0;
};

Result<int> listen_to_all(const CommandLine& line, const DetectCommand& command,
                          const Sounds& sounds, runtime::Detector& detector) {
  std::optional<CommandHook> hook;
  if (!command.on_detect.empty()) hook.emplace(command.on_detect);
  std::optional<LiveMeter> meter;
  const auto columns = terminal_columns(STDERR_FILENO);
  if (command.microphone && columns) meter.emplace(std::cerr, *columns, true);
  if (sounds.is_live) end_politely();
  Outcome outcome(line);
  for (const std::string& name :
       command.microphone ? std::vector<std::string>{""} : sounds.recordings) {
    auto source = open_source(command, name, [&](const std::string& sentence) {
      if (meter) meter->clear();
      std::cerr << "wakebuilder: detect: " << core::printable(sentence) << "\n";
    });
    if (!source && sounds.is_live) return fail(std::move(source).error());
    if (!source) {
      outcome.add(name, source.error());
      continue;
    }
    Listener listener(line, command, detector, sounds.is_live);
    const auto status =
        listener.listen(**source, hook ? &*hook : nullptr, meter ? &*meter : nullptr);
    outcome.add(listener.detected());
    if (!status) outcome.add(name, status.error());
  }
  if (hook) {
    hook->finish();
    for (const std::string& complaint : hook->take_complaints())
      std::cerr << "wakebuilder: detect: " << complaint << "\n";
  }
  return outcome.status();
}

}  // namespace

Result<int> run(const CommandLine& line, const DetectCommand& command) {
  std::vector<std::string> models = command.models;
  std::vector<std::string> names = command.targets;
  if (models.empty() && !names.empty()) {
    models.push_back(names.front());
    names.erase(names.begin());
  }
  WAKEBUILDER_TRY(const auto targets, find_models(line, models));
  WAKEBUILDER_TRY(const auto sounds, find_sounds(command, std::move(names)));
  WAKEBUILDER_TRY(auto listening, pipeline::listen(targets, command.options));
  say_how(listening);
  return listen_to_all(line, command, sounds, listening.detector);
}

}  // namespace wakebuilder::cli
