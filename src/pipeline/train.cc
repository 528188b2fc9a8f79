#include "wakebuilder/pipeline/train.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/parallel.h"
#include "wakebuilder/core/range.h"
#include "wakebuilder/core/sha256.h"
#include "wakebuilder/core/temporary_folder.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/core/version.h"
#include "wakebuilder/model/load_compact.h"
#include "wakebuilder/pipeline/training_files.h"
#include "wakebuilder/runtime/onnxruntime.h"
#include "wakebuilder/speech/text.h"

#include "pipeline/compact_training.h"
#include "pipeline/elapsed.h"
#include "pipeline/held_out.h"
#include "pipeline/trainer_process.h"
#include "pipeline/training_corpus.h"
#include "pipeline/training_windows.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;

using core::Dict;
using core::Value;
using Runtime = std::shared_ptr<const runtime::OnnxRuntime>;

constexpr std::size_t kValidationShare = 8;  ///< windows to learn from for each one to validate

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
  return core::check_range("threads", number(options.threads), 0, 256);
}

Result<RegistryEntry> place_of(const std::string& text, const TrainOptions& options) {
  const std::string name = options.name.empty() ? model_name(text) : options.name;
  WAKEBUILDER_TRY(auto entry, Registry(options.models).place(name));
  if (options.force || !entry.has_checkpoint) return entry;
  return fail(ErrorCode::kInvalidArgument,
              core::shown(entry.checkpoint) +
                  ": is there already; choose another --name, or --force to train it again");
}

// ---- what is kept between a training that was stopped and the next ----

/// Windows, the job of the training program and its state. In the cache, where there is one.
class WorkFolder {
 public:
  /// @param key  of all that the windows depend on
  static Result<WorkFolder> open(const std::string& name, const std::string& key,
                                 const TrainOptions& options) {
    const fs::path cache = options.use_cache ? made_cache_folder("training") : fs::path();
    if (cache.empty()) {
      if (options.resume) {
        return fail(ErrorCode::kInvalidArgument,
                    "expected a cache to resume from, found none; leave --no-cache out");
      }
      WAKEBUILDER_TRY(auto folder, core::TemporaryFolder::make("wakebuilder-train-"));
      WorkFolder work(folder.path());
      work.temporary_ = std::move(folder);
      return work;
    }
    return WorkFolder(cache / name).prepared(key, options.resume);
  }

  fs::path windows() const { return path_ / "windows.safetensors"; }
  fs::path head() const { return path_ / "head.safetensors"; }
  fs::path backbone() const { return path_ / "backbone.safetensors"; }
  fs::path fine_tuning_windows() const { return path_ / "fine_tuning_windows.safetensors"; }
  fs::path fine_tuned() const { return path_ / "fine_tuned.safetensors"; }
  fs::path state() const { return path_ / "state.safetensors"; }
  fs::path job() const { return path_ / "job.json"; }

  bool has_windows() const {
    std::error_code error;
    return fs::exists(windows(), error);
  }

  void remove() {
    std::error_code error;
    fs::remove_all(path_, error);
  }

 private:
  explicit WorkFolder(fs::path path) : path_(std::move(path)) {}

  /// Empties the folder unless it is to be resumed from.
  Result<WorkFolder> prepared(const std::string& key, bool resume) {
    const fs::path file = path_ / "key";
    const auto found = core::read_text(file);
    if (resume && !found) {
      return fail(ErrorCode::kNotFound,
                  core::shown(path_) + ": expected a training that was stopped, found none");
    }
    if (resume && *found != key) {
      return fail(ErrorCode::kMismatch,
                  core::shown(path_) +
                      ": expected a training with the same options, found another; leave "
                      "--resume out to begin anew");
    }
    if (!resume) remove();
    std::error_code error;
    fs::create_directories(path_, error);
    WAKEBUILDER_CHECK(core::write_file(file, key));
    return std::move(*this);
  }

  fs::path path_;
  std::optional<core::TemporaryFolder> temporary_;
};

// ---- one training ----

class Training {
 public:
  Training(const std::string& text, const TrainOptions& options, const TrainObserver& observer)
      : text_(text), options_(options), observer_(observer) {
    threads_ = options.threads != 0 ? options.threads : core::all_threads();
  }

  Result<TrainReport> run() {
    WAKEBUILDER_CHECK(prepare());
    WAKEBUILDER_TRY(auto work, WorkFolder::open(entry_.name, key(), options_));
    WAKEBUILDER_TRY(auto corpus, speak());
    if (!work.has_windows()) WAKEBUILDER_CHECK(write_windows(corpus, work.windows()));
    WAKEBUILDER_CHECK(count_windows(work.windows()));
    WAKEBUILDER_TRY(auto learned, learn(work));
    if (options_.fine_tune) {
      WAKEBUILDER_TRY(learned, fine_tune(corpus, work));
    }
    WAKEBUILDER_TRY(const auto tensors, with_head(frozen_, learned));
    WAKEBUILDER_CHECK(choose(tensors, corpus));
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
    WAKEBUILDER_CHECK(prepare_voices());
    WAKEBUILDER_TRY(auto corpus, speak());
    begin("preview");
    std::vector<PreviewWindow> windows;
    for (Window& window : first_windows(corpus.learned, corpus.noises, windows_seed(), count))
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

  /// Of all that windows depend on.
  std::string key() const {
    const TrainingSize& size = options_.size;
    core::List paths;
    for (const auto* list : {&options_.recordings, &options_.negatives})
      for (const fs::path& path : *list) paths.emplace_back(path.string());
    core::List voices;
    for (const auto& voice : speaking_->voices) voices.emplace_back(voice->name());
    const auto number = [](std::size_t value) { return static_cast<std::int64_t>(value); };
    const Value all =
        Dict{{"version", version()},
             {"text", text_},
             {"seed", static_cast<std::int64_t>(options_.seed)},
             {"size", core::List{number(size.words), number(size.phrases), number(size.near_words),
                                 number(size.running), number(size.pseudo),
                                 number(size.isolated_words), number(size.isolated_times),
                                 number(size.noises), number(size.windows), size.steps}},
             {"paths", std::move(paths)},
             {"voices", std::move(voices)}};
    const std::string text = core::to_json(all);
    return core::sha256_hex(std::as_bytes(std::span(text)));
  }

  /// All that can be missing is looked for before anything is made.
  Result<void> prepare() {
    WAKEBUILDER_CHECK(speech::check_text(text_));
    WAKEBUILDER_CHECK(check(options_));
    WAKEBUILDER_TRY(entry_, place_of(text_, options_));
    WAKEBUILDER_CHECK(prepare_voices());
    WAKEBUILDER_TRY(frozen_, frozen_network(options_.backbone));
    WAKEBUILDER_TRY(trainer_, find_trainer(options_.trainer));
    WAKEBUILDER_TRY(runtime_, runtime::OnnxRuntime::load(options_.onnxruntime));
    record_.name = entry_.name;
    record_.wake_word = text_;
    record_.phonemes = speech::to_string(speaking_->phonemes);
    record_.created_at = now_utc();
    record_.seed = options_.seed;
    record_.version = version();
    record_.config = frozen_.config;
    return {};
  }

  Result<TrainingCorpus> speak() {
    begin("speech");
    const CorpusOptions options = {
        .size = options_.size,
        .seed = options_.seed,
        .recordings = options_.recordings,
        .negatives = options_.negatives,
        .cache = options_.use_cache ? made_cache_folder("pieces") : fs::path(),
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

  Result<LabelledTokens> windows(const corpus::Bank& bank,
                                 const std::vector<corpus::Frames>& noises, std::size_t count,
                                 std::uint64_t seed, double from, double to) {
    return make_windows(bank, noises, frozen_, runtime_,
                        {.count = count,
                         .seed = seed,
                         .threads = threads_,
                         .on_progress = [&](std::size_t done, std::size_t all) {
                           const double share =
                               static_cast<double>(done) / static_cast<double>(all);
                           return tell(from + share * (to - from));
                         }});
  }

  Result<void> write_windows(const TrainingCorpus& corpus, const fs::path& file) {
    begin("windows");
    const std::size_t count = options_.size.windows;
    const std::size_t validated = count / kValidationShare;
    const double part = static_cast<double>(kValidationShare) / (kValidationShare + 1);
    WAKEBUILDER_TRY(const auto learned,
                    windows(corpus.learned, corpus.noises, count, windows_seed(), 0, part));
    WAKEBUILDER_TRY(const auto held_out, windows(corpus.held_out.bank, corpus.noises, validated,
                                                 windows_seed() + 1, part, 1));
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
    return Dict{{"data", work.windows().string()},
                {"output", work.head().string()},
                {"state", work.state().string()},
                {"resume", options_.resume},
                {"options", Dict{{"steps", options_.size.steps},
                                 {"warm_up", std::max<std::int64_t>(1, options_.size.steps / 10)},
                                 {"seed", static_cast<std::int64_t>(options_.seed)},
                                 {"threads", static_cast<std::int64_t>(threads_)}}}};
  }

  /// A line of the training program; false stops it.
  bool hear(const Value* line) {
    const auto number = [&](const char* key) {
      const Value* value = line != nullptr ? line->find(key) : nullptr;
      return value != nullptr ? value->number().value_or(0) : 0;
    };
    if (line == nullptr || line->find("step") == nullptr) return tell(last_share_);
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
    if (line->find("phase") == nullptr) record_.steps = static_cast<std::int64_t>(number("step"));
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
    end();
    return head;
  }

  /// Bridge and backbone as the training program takes them.
  Result<void> write_backbone(const fs::path& file) const {
    Dict tensors;
    model::visit(frozen_.network.backbone, "",
                 [&](const std::string& name, const model::Parameter& weight, const core::Shape&) {
                   tensors.emplace_back(name, weight.tensor);
                 });
    tensors.emplace_back("bridge", frozen_.network.bridge.tensor);
    return checkpoint::save_safetensors(file, Value(std::move(tensors)));
  }

  /// Other windows than those of the head, with their features.
  Result<void> write_fine_tuning_windows(const TrainingCorpus& corpus, const fs::path& file) {
    constexpr std::int64_t kBatch = 32;
    const auto count = static_cast<std::size_t>(kBatch * options_.size.fine_tuning_steps);
    WAKEBUILDER_TRY(const auto windows,
                    make_windows(corpus.learned, corpus.noises, frozen_, runtime_,
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
    WAKEBUILDER_CHECK(write_backbone(work.backbone()));
    WAKEBUILDER_CHECK(write_fine_tuning_windows(corpus, work.fine_tuning_windows()));
    const Value fine_tuning =
        Dict{{"backbone", work.backbone().string()}, {"steps", options_.size.fine_tuning_steps}};
    const Value job = Dict{{"data", work.fine_tuning_windows().string()},
                           {"output", work.fine_tuned().string()},
                           {"start", work.head().string()},
                           {"options", Dict{{"seed", static_cast<std::int64_t>(options_.seed)},
                                            {"threads", static_cast<std::int64_t>(threads_)}}},
                           {"fine_tune", fine_tuning}};
    WAKEBUILDER_TRY(auto learned, run_job(work.job(), job, work.fine_tuned()));
    end();
    return learned;
  }

  Result<void> choose(const model::NamedTensors& tensors, const TrainingCorpus& corpus) {
    begin("threshold");
    WAKEBUILDER_TRY(const auto network, model::load_compact(tensors, Dict{}));
    WAKEBUILDER_TRY(const auto scores,
                    score_held_out(network, corpus.held_out, corpus.noises, runtime_,
                                   {.hours = options_.size.held_out_hours,
                                    .seed = windows_seed() + 2,
                                    .threads = threads_,
                                    .on_progress = [this](double share) { return tell(share); }}));
    choose_threshold(scores, options_.false_accepts_per_hour, record_);
    record_.total_parameters = network.parameters();
    record_.parameters = 0;
    for (const auto& [name, tensor] : tensors)
      if (name.starts_with("head.")) record_.parameters += tensor.size();
    end();
    return {};
  }

  // ---- into the registry ----

  Result<void> write_checkpoint(const model::NamedTensors& tensors) const {
    Dict state;
    for (const auto& [name, tensor] : tensors) state.emplace_back(name, tensor);
    Value root = Dict{{"state_dict", std::move(state)},
                      {"config", Dict{{"graph", "compact"},
                                      {"wake_word", text_},
                                      {"threshold", record_.threshold},
                                      {"sample_rate", 16000}}}};
    WAKEBUILDER_TRY(auto staged, core::StagedFile::create(entry_.checkpoint));
    WAKEBUILDER_CHECK(checkpoint::write_pytorch(staged, root));
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
  model::CompactClassifier frozen_;
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
