#include "wakebuilder/pipeline/train.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/cache_folder.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/parallel.h"
#include "wakebuilder/core/range.h"
#include "wakebuilder/core/sha256.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/core/version.h"
#include "wakebuilder/corpus/user_audio.h"
#include "wakebuilder/model/compact.h"
#include "wakebuilder/pipeline/training_files.h"
#include "wakebuilder/runtime/onnxruntime.h"
#include "wakebuilder/speech/text.h"

#include "pipeline/calibration.h"
#include "pipeline/compact_graph.h"
#include "pipeline/elapsed.h"
#include "pipeline/head_graph.h"
#include "pipeline/held_out.h"
#include "pipeline/trained_graph.h"
#include "pipeline/trainer_process.h"
#include "pipeline/training_corpus.h"
#include "pipeline/training_windows.h"
#include "pipeline/work_folder.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;

using core::Dict;
using core::Value;
using Runtime = std::shared_ptr<const runtime::OnnxRuntime>;

constexpr std::size_t kCachedWindows = 128;  ///< of a large encoder, in a file
constexpr std::uint64_t kMostCachedBytes = std::uint64_t{1} << 30U;

std::string now_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::string text(sizeof "2026-01-01T00:00:00Z", '\0');
  text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts));
  return text;
}

Error stopped() { return {ErrorCode::kIo, "stopped"}; }

// ---- what is asked for ----

Result<void> check(const TrainOptions& options) {
  const TrainingSize& size = options.size;
  const auto number = [](auto value) { return static_cast<double>(value); };
  WAKEBUILDER_CHECK(
      core::check_range("false accepts per hour", options.false_accepts_per_hour, 0.001, 1000));
  WAKEBUILDER_CHECK(core::check_range("words", number(size.words), 20, 1e5));
  WAKEBUILDER_CHECK(core::check_range("near words", number(size.near_words), 20, 1e5));
  WAKEBUILDER_CHECK(core::check_range("running", number(size.running), 20, 1e5));
  WAKEBUILDER_CHECK(core::check_range("windows", number(size.windows), 256, 1e6));
  WAKEBUILDER_CHECK(core::check_range("steps", number(size.steps), 10, 1e6));
  WAKEBUILDER_CHECK(core::check_range("held-out hours", size.held_out_hours, 0.01, 100));
  WAKEBUILDER_CHECK(core::check_range("patience", number(options.patience), 0, 1e6));
  return core::check_range("threads", number(options.threads), 0, 256);
}

bool is_head(const TrainOptions& options) {
  return options.graph == "head" || (options.graph.empty() && !options.base.empty());
}

Result<void> check_graph(const TrainOptions& options) {
  if (!options.graph.empty() && options.graph != "compact" && options.graph != "head")
    return fail(ErrorCode::kInvalidArgument,
                "expected the graph compact or head, found " + core::quote(options.graph));
  if (is_head(options) && options.base.empty())
    return fail(ErrorCode::kInvalidArgument,
                "expected a base for the graph head; name the AST's folder or file with --base");
  if (!is_head(options) && !options.base.empty())
    return fail(ErrorCode::kInvalidArgument,
                "expected no base for the graph compact; --base is for --graph head");
  if (is_head(options) && options.fine_tune)
    return fail(ErrorCode::kInvalidArgument,
                "expected no fine-tuning of the graph head; its AST stays frozen");
  return {};
}

Result<std::unique_ptr<TrainedGraph>> graph_of(const TrainOptions& options) {
  if (is_head(options)) return head_graph(options.base);
  return compact_graph(options.backbone);
}

Result<RegistryEntry> place_of(const std::string& text, const TrainOptions& options) {
  const std::string name = options.name.empty() ? model_name(text) : options.name;
  WAKEBUILDER_TRY(auto entry, Registry(options.models).place(name));
  if (options.force || !entry.has_checkpoint) return entry;
  return fail(ErrorCode::kInvalidArgument,
              core::shown(entry.checkpoint) +
                  ": is there already; choose another --name, or --force to train it again");
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string digest_of(const Value& value) {
  const std::string text = core::to_json(value);
  return core::sha256_hex(std::as_bytes(std::span(text)));
}

/// The user's files as they are now.
core::List fingerprints_of(const std::vector<fs::path>& paths) {
  core::List fingerprints;
  for (const fs::path& file : corpus::list_recordings(paths).value_or(std::vector<fs::path>())) {
    std::error_code error;
    const auto bytes = fs::file_size(file, error);
    const auto changed = fs::last_write_time(file, error).time_since_epoch();
    fingerprints.push_back(
        core::List{file.string(), static_cast<std::int64_t>(bytes), std::int64_t{changed.count()}});
  }
  return fingerprints;
}

// ---- one training ----

class Training {
 public:
  Training(const std::string& text, const TrainOptions& options, const TrainObserver& observer)
      : text_(text), options_(options), observer_(observer) {
    threads_ = options.threads != 0 ? options.threads : core::all_threads();
  }

  Result<TrainReport> run() {
    WAKEBUILDER_CHECK(prepare());
    WAKEBUILDER_TRY(auto work, WorkFolder::open(entry_.name, {.key = key(),
                                                              .use_cache = options_.use_cache,
                                                              .resume = options_.resume}));
    WAKEBUILDER_TRY(auto corpus, speak(graph_->encoder().frames));
    if (!is_there(work.windows())) WAKEBUILDER_CHECK(write_windows(corpus, work.windows()));
    WAKEBUILDER_CHECK(count_windows(work.windows()));
    WAKEBUILDER_TRY(auto learned, learn(work));
    if (options_.fine_tune) {
      WAKEBUILDER_TRY(learned, fine_tune(corpus, work));
    }
    WAKEBUILDER_TRY(auto trained, graph_->tensors(learned));
    WAKEBUILDER_TRY(const auto tensors, choose(std::move(trained), corpus, work));
    WAKEBUILDER_CHECK(publish(tensors));
    WAKEBUILDER_CHECK(export_model());
    work.remove();
    return TrainReport{.entry = entry_,
                       .report = report_,
                       .record = std::move(record_),
                       .remarks = std::move(remarks_)};
  }

  Result<PreviewReport> preview(const fs::path& folder, std::size_t count) {
    WAKEBUILDER_CHECK(check(options_));
    WAKEBUILDER_CHECK(check_graph(options_));
    WAKEBUILDER_CHECK(prepare_voices());
    std::int64_t frames = model::kStreamFrames;
    if (is_head(options_)) {
      WAKEBUILDER_TRY(graph_, graph_of(options_));
      frames = graph_->encoder().frames;
    }
    WAKEBUILDER_TRY(auto corpus, speak(frames));
    begin("preview");
    std::vector<PreviewWindow> windows;
    for (Window& window :
         first_windows(corpus.learned, corpus.noises, frames, windows_seed(), count))
      windows.push_back({.frames = std::move(window.frames),
                         .label = window.what.label,
                         .text = std::move(window.what.text)});
    auto report = write_preview(windows, folder);
    end();
    return report;
  }

 private:
  std::uint64_t windows_seed() const { return 4 * options_.seed; }

  Result<void> prepare_voices() {
    begin("voices");
    WAKEBUILDER_TRY(auto speaking, prepare_to_speak(text_, options_.voices));
    speaking_.emplace(std::move(speaking));
    return {};
  }

  /// Of all that a training depends on.
  std::string key() const {
    const TrainingSize& size = options_.size;
    const auto number = [](std::size_t value) { return static_cast<std::int64_t>(value); };
    return digest_of(
        Dict{{"windows", windows_key_}, {"size", core::List{number(size.windows), size.steps}}});
  }

  std::string windows_key() const {
    const TrainingSize& size = options_.size;
    core::List voices;
    for (const auto& voice : speaking_->voices) voices.emplace_back(voice->name());
    const auto number = [](std::size_t value) { return static_cast<std::int64_t>(value); };
    const FrozenEncoder& encoder = graph_->encoder();
    return digest_of(Dict{
        {"version", version()},
        {"text", text_},
        {"seed", static_cast<std::int64_t>(options_.seed)},
        {"size", core::List{number(size.words), number(size.phrases), number(size.near_words),
                            number(size.running), number(size.pseudo), number(size.isolated_words),
                            number(size.isolated_times), number(size.noises)}},
        {"recordings", fingerprints_of(options_.recordings)},
        {"negatives", fingerprints_of(options_.negatives)},
        {"voices", std::move(voices)},
        {"encoder", core::sha256_hex(std::as_bytes(std::span(encoder.model)))},
        {"features", core::List{encoder.features.mean, encoder.features.std}}});
  }

  /// All that can be missing is looked for before anything is made.
  Result<void> prepare() {
    WAKEBUILDER_CHECK(speech::check_text(text_));
    WAKEBUILDER_CHECK(check(options_));
    WAKEBUILDER_CHECK(check_graph(options_));
    WAKEBUILDER_TRY(entry_, place_of(text_, options_));
    WAKEBUILDER_CHECK(prepare_voices());
    WAKEBUILDER_TRY(graph_, graph_of(options_));
    windows_key_ = windows_key();
    WAKEBUILDER_TRY(trainer_, find_trainer(options_.trainer));
    WAKEBUILDER_TRY(runtime_, runtime::OnnxRuntime::load(options_.onnxruntime));
    record_.name = entry_.name;
    record_.wake_word = text_;
    record_.phonemes = speech::to_string(speaking_->phonemes);
    record_.created_at = now_utc();
    record_.seed = options_.seed;
    record_.version = version();
    return {};
  }

  Result<TrainingCorpus> speak(std::int64_t frames) {
    begin("speech");
    const CorpusOptions options = {
        .size = options_.size,
        .frames = frames,
        .seed = options_.seed,
        .recordings = options_.recordings,
        .negatives = options_.negatives,
        .cache = options_.use_cache ? core::made_cache_folder("pieces") : fs::path(),
        .threads = threads_,
        .on_progress = [this](double share, std::optional<double> left, const std::string& remark) {
          return tell(share, left, remark);
        }};
    WAKEBUILDER_TRY(auto corpus, make_corpus(*speaking_, options));
    record_.data = corpus.data;
    record_.recordings = std::move(corpus.recordings);
    remarks_ = std::move(corpus.skipped);
    end();
    return corpus;
  }

  /// Windows of one bank; `from` and `to` are shares of the stage.
  struct WindowsOf {
    const corpus::Bank& bank;
    std::size_t count;
    std::uint64_t seed;
    double from, to;
  };

  Result<LabelledTokens> windows(const TrainingCorpus& corpus, const WindowsOf& of) {
    const auto make = [&](std::size_t first, std::size_t count) {
      const auto progress = [this, &of, first](std::size_t done, std::size_t) {
        // The last part that is kept may go beyond what is wanted.
        const auto made = static_cast<double>(std::min(of.count, first + done));
        return tell(of.from + made / static_cast<double>(of.count) * (of.to - of.from));
      };
      return make_windows(of.bank, corpus.noises, graph_->encoder(), runtime_,
                          {.first = first,
                           .count = count,
                           .seed = of.seed,
                           .threads = threads_,
                           .on_progress = progress});
    };
    const fs::path cache = options_.use_cache && graph_->encoder().is_large
                               ? core::made_cache_folder("embeddings")
                               : fs::path();
    if (cache.empty()) return make(0, of.count);
    const std::string name = windows_key_ + "-" + std::to_string(of.seed);
    auto windows = cached_windows(cache / name, of.count, kCachedWindows, make);
    core::shrink_cache(cache, kMostCachedBytes);
    return windows;
  }

  Result<void> write_windows(const TrainingCorpus& corpus, const fs::path& file) {
    begin("windows");
    const std::size_t count = options_.size.windows;
    const std::size_t validated = count / graph_->windows_per_validated();
    const double part = static_cast<double>(count) / static_cast<double>(count + validated);
    WAKEBUILDER_TRY(const auto learned, windows(corpus, {.bank = corpus.learned,
                                                         .count = count,
                                                         .seed = windows_seed(),
                                                         .from = 0,
                                                         .to = part}));
    WAKEBUILDER_TRY(const auto held_out, windows(corpus, {.bank = corpus.held_out.bank,
                                                          .count = validated,
                                                          .seed = windows_seed() + 1,
                                                          .from = part,
                                                          .to = 1}));
    const Value root = Dict{{"tokens", learned.tokens},
                            {"labels", learned.labels},
                            {"validation_tokens", held_out.tokens},
                            {"validation_labels", held_out.labels}};
    WAKEBUILDER_CHECK(checkpoint::save_safetensors(file, root));
    end();
    return {};
  }

  Result<void> count_windows(const fs::path& file) {
    WAKEBUILDER_TRY(const auto data, checkpoint::read(file));
    const Value* learned = data.root.find("labels");
    const Value* held_out = data.root.find("validation_labels");
    if (learned == nullptr || held_out == nullptr) {
      return fail(ErrorCode::kCorrupt, core::shown(file) +
                                           ": expected windows of a training, found "
                                           "something else; leave --resume out");
    }
    const auto labels = learned->get_if<core::Tensor>()->as<std::uint8_t>();
    record_.data.positive_windows = static_cast<std::size_t>(std::ranges::count(labels, 1));
    record_.data.negative_windows = labels.size() - record_.data.positive_windows;
    record_.data.validation_windows = held_out->get_if<core::Tensor>()->size();
    return {};
  }

  Value job(const WorkFolder& work) const {
    Dict job = graph_->job();
    job.emplace_back("data", work.windows().string());
    job.emplace_back("output", work.head().string());
    job.emplace_back("state", work.state().string());
    job.emplace_back("resume", options_.resume);
    job.emplace_back("options",
                     Dict{{"steps", options_.size.steps},
                          {"patience", options_.patience},
                          {"warm_up", std::max<std::int64_t>(1, options_.size.steps / 10)},
                          {"seed", static_cast<std::int64_t>(options_.seed)},
                          {"threads", static_cast<std::int64_t>(threads_)}});
    return job;
  }

  /// A line of the training program; false stops it.
  bool hear(const Value* line) {
    const auto number = [&](const char* key) {
      const Value* value = line != nullptr ? line->find(key) : nullptr;
      return value != nullptr ? value->number().value_or(0) : 0;
    };
    if (line == nullptr || line->find("step") == nullptr) return tell(last_share_);
    if (line->find("phase") == nullptr) record_.steps = static_cast<std::int64_t>(number("step"));
    if (line->find("validated") != nullptr) {
      record_.history.push_back({.step = static_cast<std::int64_t>(number("step")),
                                 .rate = number("rate"),
                                 .train_loss = number("train_loss"),
                                 .train_accuracy = number("train_accuracy"),
                                 .validation_loss = number("validation_loss"),
                                 .validation_accuracy = number("validation_accuracy"),
                                 .validation_f1 = number("validation_f1"),
                                 .validation_recall = number("validation_recall"),
                                 .validation_false_accepts = number("validation_false_accepts")});
      return tell(last_share_);
    }
    const double share = number("step") / std::max(1.0, number("steps"));
    return tell(share, number("remaining_s"),
                "loss " + core::to_text(std::round(number("loss") * 1000) / 1000));
  }

  /// Runs the training program; what it has learned.
  Result<Value> run_job(const fs::path& file, const Value& job, const fs::path& output) {
    WAKEBUILDER_CHECK(core::write_file(file, core::to_json(job, 2)));
    WAKEBUILDER_CHECK(run_trainer(trainer_, file, [&](const Value* line) {
                        return hear(line);
                      }).map([](const Value&) {}));
    if (is_stopped_) return fail(stopped());
    WAKEBUILDER_TRY(auto learned, checkpoint::read(output));
    return std::move(learned.root);
  }

  Result<Value> learn(const WorkFolder& work) {
    begin("head");
    WAKEBUILDER_TRY(auto head, run_job(work.job(), job(work), work.head()));
    record_.stopped_early = record_.steps < options_.size.steps;
    end();
    return head;
  }

  /// Other windows than those of the head, with their features.
  Result<void> write_fine_tuning_windows(const TrainingCorpus& corpus, const fs::path& file) {
    constexpr std::int64_t kBatch = 32;
    const auto count = static_cast<std::size_t>(kBatch * options_.size.fine_tuning_steps);
    WAKEBUILDER_TRY(const auto windows,
                    make_windows(corpus.learned, corpus.noises, graph_->encoder(), runtime_,
                                 {.count = count,
                                  .seed = windows_seed() + 3,
                                  .threads = threads_,
                                  .keeps_features = true}));
    return checkpoint::save_safetensors(file, Dict{{"tokens", windows.tokens},
                                                   {"labels", windows.labels},
                                                   {"windows", windows.features}});
  }

  Result<Value> fine_tune(const TrainingCorpus& corpus, const WorkFolder& work) {
    begin("fine-tuning");
    WAKEBUILDER_CHECK(checkpoint::save_safetensors(work.backbone(), graph_->backbone().value()));
    const fs::path windows = work.fine_tuning_windows();
    if (!is_there(windows)) WAKEBUILDER_CHECK(write_fine_tuning_windows(corpus, windows));
    const Value fine_tuning =
        Dict{{"backbone", work.backbone().string()}, {"steps", options_.size.fine_tuning_steps}};
    const Value job = Dict{{"data", windows.string()},
                           {"output", work.fine_tuned().string()},
                           {"state", work.fine_tuning_state().string()},
                           {"resume", options_.resume},
                           {"start", work.head().string()},
                           {"options", Dict{{"seed", static_cast<std::int64_t>(options_.seed)},
                                            {"threads", static_cast<std::int64_t>(threads_)}}},
                           {"fine_tune", fine_tuning}};
    WAKEBUILDER_TRY(auto learned, run_job(work.job(), job, work.fine_tuned()));
    end();
    return learned;
  }

  /// The threshold, of the calibrated network that it returns.
  Result<model::NamedTensors> choose(model::NamedTensors trained, const TrainingCorpus& corpus,
                                     const WorkFolder& work) {
    begin("threshold");
    const HeldOutMaterial material = {
        .corpus = corpus, .windows = work.windows(), .windows_seed = windows_seed() + 1};
    WAKEBUILDER_TRY(auto scores,
                    graph_->score(trained, material, runtime_,
                                  {.hours = options_.size.held_out_hours,
                                   .seed = windows_seed() + 2,
                                   .threads = threads_,
                                   .on_progress = [this](double share) { return tell(share); }}));
    record_.calibration = calibrate(scores);
    choose_threshold(calibrated(std::move(scores), record_.calibration),
                     options_.false_accepts_per_hour, record_);
    auto tensors = calibrated(std::move(trained), record_.calibration);
    graph_->describe(tensors, record_);
    end();
    return tensors;
  }

  // ---- into the registry ----

  Result<void> write_checkpoint(const model::NamedTensors& tensors) const {
    WAKEBUILDER_TRY(auto staged, core::StagedFile::create(entry_.checkpoint));
    WAKEBUILDER_CHECK(checkpoint::write_pytorch(staged, graph_->checkpoint(tensors, record_)));
    return staged.publish();
  }

  Result<void> write_metadata() {
    record_.seconds = seconds_since(began_);
    const fs::path history = entry_.folder / "training_history.json";
    WAKEBUILDER_CHECK(
        core::write_file(entry_.metadata, core::to_json(to_metadata(record_), 2) + "\n"));
    WAKEBUILDER_CHECK(core::write_file(history, core::to_json(to_history(record_), 2) + "\n"));
    return core::write_file(report_, training_html(record_));
  }

  Result<void> publish(const model::NamedTensors& tensors) {
    std::error_code error;
    fs::create_directories(entry_.folder, error);
    if (error) {
      return fail(ErrorCode::kIo,
                  core::shown(entry_.folder) + ": cannot be made: " + error.message());
    }
    report_ = entry_.folder / (entry_.name + ".html");
    WAKEBUILDER_CHECK(write_checkpoint(tensors));
    WAKEBUILDER_CHECK(write_metadata());
    WAKEBUILDER_TRY(entry_, Registry(options_.models).place(entry_.name));
    return {};
  }

  /// A failure is recorded, not returned: the checkpoint is good.
  Result<void> export_model() {
    begin("export");
    auto exported = export_entry(entry_, {.force = true, .onnxruntime = options_.onnxruntime});
    record_.has_onnx = exported.has_value();
    if (exported) {
      record_.onnx_bytes = exported->bytes;
      record_.onnx_max_abs_diff = exported->validation.max_abs_diff;
    } else {
      record_.onnx_failure = exported.error().message;
    }
    end();
    if (!exported) return write_metadata();
    record_.seconds = seconds_since(began_);
    WAKEBUILDER_CHECK(core::write_file(report_, training_html(record_)));
    WAKEBUILDER_TRY(entry_, Registry(options_.models).place(entry_.name));
    return {};
  }

  // ---- progress ----

  void begin(const std::string& stage) {
    stage_ = stage;
    stage_began_ = Clock::now();
    tell(0);
  }

  void end() {
    tell(1, 0);
    record_.stages.push_back({stage_, seconds_since(stage_began_)});
  }

  bool tell(double share, std::optional<double> left = std::nullopt,
            const std::string& remark = {}) {
    last_share_ = share;
    const double taken = seconds_since(stage_began_);
    if (!left && share > 0.02 && taken > 1) left = taken * (1 - share) / share;
    const bool goes_on =
        !observer_ ||
        observer_({.stage = stage_, .share = share, .seconds_left = left, .remark = remark});
    is_stopped_ = is_stopped_ || !goes_on;
    return !is_stopped_;
  }

  const std::string& text_;
  const TrainOptions& options_;
  const TrainObserver& observer_;
  std::size_t threads_ = 1;
  Clock::time_point began_ = Clock::now();
  std::optional<Speaking> speaking_;
  std::unique_ptr<TrainedGraph> graph_;
  std::string windows_key_;  ///< of all that a window depends on, beside its number
  Runtime runtime_;
  fs::path trainer_;
  RegistryEntry entry_;
  fs::path report_;
  TrainingRecord record_;
  std::vector<std::string> remarks_;
  std::string stage_;
  Clock::time_point stage_began_ = began_;
  double last_share_ = 0;
  bool is_stopped_ = false;
};

}  // namespace

TrainingSize TrainingSize::quick() {
  return {.words = 500,
          .phrases = 100,
          .near_words = 700,
          .running = 600,
          .pseudo = 150,
          .isolated_words = 60,
          .isolated_times = 12,
          .noises = 28,
          .windows = 4096,
          .steps = 250,
          .held_out_hours = 0.5};
}

TrainingSize TrainingSize::for_ast() const {
  constexpr std::size_t kLess = 12;
  TrainingSize size = *this;
  size.windows = std::max<std::size_t>(256, windows / kLess);
  return size;
}

Result<TrainReport> train(const std::string& text, const TrainOptions& options,
                          const TrainObserver& observer) {
  return Training(text, options, observer).run();
}

Result<PreviewReport> preview_training(const std::string& text, const TrainOptions& options,
                                       const fs::path& folder, std::size_t count,
                                       const TrainObserver& observer) {
  return Training(text, options, observer).preview(folder, count);
}

}  // namespace wakebuilder::pipeline
