#include "train/run_job.h"

#include <utility>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/sha256.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/model/load_compact.h"

#include "train/guarded.h"
#include "train/loop.h"
#include "train/state_file.h"

namespace wakebuilder::train {
namespace {

using core::Dict;
using core::Value;

constexpr const char* kHeadPhase = "head";
constexpr const char* kFineTunePhase = "fine_tune";

// ---- lines ----

/// Lines of fine-tuning say so.
Value in_phase(const std::string& phase, Dict line) {
  if (phase != kHeadPhase) line.emplace_back("phase", phase);
  return line;
}

Dict line_of(const HeadProgress& progress) {
  return {{"step", progress.step},
          {"steps", progress.steps},
          {"loss", progress.loss},
          {"remaining_s", progress.remaining_s}};
}

Dict line_of(const Validation& found, double remaining_s) {
  return {{"validated", true},
          {"step", found.step},
          {"steps", found.steps},
          {"rate", found.rate},
          {"train_loss", found.train_loss},
          {"train_accuracy", found.train_accuracy},
          {"validation_loss", found.scores.loss},
          {"validation_accuracy", found.scores.accuracy},
          {"validation_f1", found.scores.f1},
          {"validation_recall", found.scores.recall},
          {"validation_false_accepts", found.scores.false_accepts},
          {"remaining_s", remaining_s}};
}

// ---- files ----

const core::Tensor* find_tensor(const checkpoint::Checkpoint& file, const std::string& name) {
  const Value* value = file.root.find(name);
  return value != nullptr ? value->get_if<core::Tensor>() : nullptr;
}

Result<core::Tensor> tensor_of(const checkpoint::Checkpoint& data, const std::string& name,
                               const std::string& other) {
  const core::Tensor* tensor = find_tensor(data, name);
  if (tensor != nullptr) return *tensor;
  return fail(ErrorCode::kMismatch,
              "expected the tensors " + other + " and labels, found no " + name);
}

std::string fingerprint_of(const Rows& rows) {
  return core::to_string(rows.inputs.shape()) + " " + core::sha256_hex(rows.inputs.bytes()) + " " +
         core::sha256_hex(rows.labels.bytes());
}

Result<std::string> fingerprint_of(const std::filesystem::path& path) {
  WAKEBUILDER_TRY(const auto file, core::MappedFile::open(path));
  return core::sha256_hex(file->bytes());
}

/// What a phase learns from and is judged by.
struct PhaseRows {
  Rows data{};
  std::optional<Rows> validation{};
};

Result<PhaseRows> read_rows(const checkpoint::Checkpoint& file, const InputForm& form) {
  PhaseRows rows;
  WAKEBUILDER_TRY(rows.data.inputs, tensor_of(file, form.name, form.name));
  WAKEBUILDER_TRY(rows.data.labels, tensor_of(file, "labels", form.name));
  WAKEBUILDER_CHECK(check_training(rows.data, form));
  const core::Tensor* inputs = find_tensor(file, "validation_" + form.name);
  if (inputs == nullptr) return rows;
  rows.validation = Rows{.inputs = *inputs, .labels = {}};
  WAKEBUILDER_TRY(rows.validation->labels,
                  tensor_of(file, "validation_labels", "validation_" + form.name));
  WAKEBUILDER_CHECK(check_validation(*rows.validation, form));
  return rows;
}

Result<model::NamedTensors> read_tensors(const std::filesystem::path& path) {
  WAKEBUILDER_TRY(const auto file, checkpoint::read(path));
  auto found = checkpoint::find_state_dict(file);
  if (!found) return fail_in(core::shown(path), std::move(found).error());
  return std::move(found->tensors);
}

/// What fine-tuning begins with, but for the head.
struct Backbone {
  core::Tensor bridge{};
  model::SpeechEmbedding<model::Parameter> embedding{};
};

Result<Backbone> to_backbone(model::NamedTensors tensors) {
  const auto bridge =
      std::ranges::find_if(tensors, [](const auto& item) { return item.first == "bridge"; });
  const core::Shape shape = {model::kFeatureBins, model::kEmbeddingBins};
  if (bridge == tensors.end() || bridge->second.dtype() != core::DType::kFloat32 ||
      bridge->second.shape() != shape)
    return fail(ErrorCode::kMismatch,
                "bridge: expected float32 " + core::to_string(shape) + ", found no such tensor");
  Backbone backbone{.bridge = bridge->second};
  tensors.erase(bridge);
  WAKEBUILDER_TRY(backbone.embedding, model::load_speech_embedding(tensors));
  return backbone;
}

Result<Backbone> read_backbone(const std::filesystem::path& path) {
  WAKEBUILDER_TRY(auto tensors, read_tensors(path));
  auto backbone = to_backbone(std::move(tensors));
  if (!backbone) return fail_in(core::shown(path), std::move(backbone).error());
  return backbone;
}

Result<void> write_weights(const std::filesystem::path& path, const model::NamedTensors& weights) {
  Dict tensors;
  for (const auto& [name, tensor] : weights) tensors.emplace_back(name, tensor);
  return checkpoint::save_safetensors(path, Value(std::move(tensors)));
}

// ---- random numbers ----

core::Tensor random_state() {
  const auto state = at::detail::getDefaultCPUGenerator().get_state().contiguous();
  const auto* begin = state.data_ptr<std::uint8_t>();
  return core::Tensor::from(std::vector<std::uint8_t>(begin, begin + state.numel()),
                            {state.numel()});
}

Result<void> set_random_state(const core::Tensor& found) {
  auto generator = at::detail::getDefaultCPUGenerator();
  auto state = generator.get_state();
  const auto bytes = found.as<std::uint8_t>();
  if (static_cast<std::int64_t>(bytes.size()) == state.numel()) {
    std::ranges::copy(bytes, state.data_ptr<std::uint8_t>());
    try {
      generator.set_state(state);
      return {};
    } catch (const c10::Error&) {  // said below
    }
  }
  return fail(ErrorCode::kCorrupt,
              "random: expected the state of libtorch's random generator, "
              "found something else");
}

// ---- the job ----

class JobRun {
 public:
  JobRun(const Job& job, const JobWatcher& watcher) : job_(job), watcher_(watcher) {}

  Result<JobEnd> run() {
    auto file = checkpoint::read(job_.data);
    if (!file) return fail(std::move(file).error());
    data_ = *std::move(file);
    WAKEBUILDER_CHECK(read_begin());
    const bool is_trained = !job_.start.empty() || (begin_ && begin_->phase == kFineTunePhase);
    if (!is_trained) WAKEBUILDER_CHECK(train_head());
    if (job_.fine_tuning && !end_.stopped_at) WAKEBUILDER_CHECK(fine_tune());
    WAKEBUILDER_CHECK(write_weights(job_.output, weights_));
    return end_;
  }

 private:
  struct Phase {
    std::string name;
    const HeadOptions& options;
    const PhaseRows& rows;
    Value identity;
  };

  /// Says again what was said of the validations before.
  Result<void> read_begin() {
    if (!job_.resume) return {};
    WAKEBUILDER_TRY(begin_, read_state(job_.state));
    if (!begin_) return {};
    if (begin_->phase == kFineTunePhase && !job_.fine_tuning) {
      return fail(ErrorCode::kMismatch, core::shown(job_.state) +
                                            ": expected the training of a head alone, found one "
                                            "that is fine-tuned");
    }
    return {};
  }

  Result<void> train_head() {
    const bool is_compact = job_.graph == JobGraph::kCompact;
    const auto form = is_compact ? tokens_form() : embeddings_form(job_.head_config.embedding_dim);
    WAKEBUILDER_TRY(const auto rows, read_rows(data_, form));
    prepare_torch(job_.options);
    const auto learner =
        is_compact ? make_compact_head(job_.config) : make_head_learner(job_.head_config);
    return run_phase(*learner, {.name = kHeadPhase,
                                .options = job_.options,
                                .rows = rows,
                                .identity = identity(job_.options, rows)});
  }

  Result<void> fine_tune() {
    WAKEBUILDER_TRY(const auto rows, read_rows(data_, windows_form()));
    WAKEBUILDER_CHECK(check_frames(rows));
    WAKEBUILDER_TRY(const auto backbone, read_backbone(job_.fine_tuning->backbone));
    const HeadOptions& options = job_.fine_tuning->options;
    prepare_torch(options);
    const auto learner = make_whole_compact(job_.config, backbone.bridge, backbone.embedding);
    WAKEBUILDER_CHECK(load_start(*learner));
    Value identity = this->identity(options, rows);
    WAKEBUILDER_CHECK(add_files(identity));
    end_.in_fine_tuning = true;
    return run_phase(*learner, {.name = kFineTunePhase,
                                .options = options,
                                .rows = rows,
                                .identity = std::move(identity)});
  }

  static Result<void> check_frames(const PhaseRows& rows) {
    for (const auto* part : {&rows.data, rows.validation ? &*rows.validation : &rows.data}) {
      const std::int64_t frames = part->inputs.shape()[1];
      if (frames >= model::kEmbeddingFrames && frames <= model::kMaxFrames) continue;
      return fail(ErrorCode::kMismatch, "windows: expected " +
                                            std::to_string(model::kEmbeddingFrames) + " to " +
                                            std::to_string(model::kMaxFrames) + " frames, found " +
                                            std::to_string(frames));
    }
    return {};
  }

  /// The head: what was trained, or the file's; nothing when a state takes its place.
  Result<void> load_start(Learner& learner) const {
    if (!weights_.empty()) return learner.load(weights_, "head.");
    if (job_.start.empty()) return {};
    WAKEBUILDER_TRY(const auto tensors, read_tensors(job_.start));
    auto loaded = learner.load(tensors, "head.");
    if (!loaded) return fail_in(core::shown(job_.start), std::move(loaded).error());
    return {};
  }

  Value identity(const HeadOptions& options, const PhaseRows& rows) const {
    Dict all = *identity_of(job_).get_if<Dict>();
    if (job_.state.empty()) return all;
    const Value numbers = identity_of(options);
    for (const auto& item : *numbers.get_if<Dict>()) all.push_back(item);
    all.emplace_back("data", fingerprint_of(rows.data));
    return all;
  }

  Result<void> add_files(Value& identity) const {
    if (job_.state.empty()) return {};
    WAKEBUILDER_TRY(const auto backbone, fingerprint_of(job_.fine_tuning->backbone));
    identity.set("backbone", backbone);
    if (job_.start.empty()) return {};
    WAKEBUILDER_TRY(const auto start, fingerprint_of(job_.start));
    identity.set("start", start);
    return {};
  }

  Result<void> run_phase(Learner& learner, const Phase& phase) {
    Training training(learner, phase.rows.data,
                      phase.rows.validation ? &*phase.rows.validation : nullptr, phase.options);
    WAKEBUILDER_CHECK(take_up(training, phase));
    WAKEBUILDER_TRY(const bool is_stopped, run_loop(training, watcher_of(training, phase)));
    if (is_stopped) end_.stopped_at = training.steps_done();
    weights_ = training.result();
    return {};
  }

  /// Where the state was, if it is one of this phase.
  Result<void> take_up(Training& training, const Phase& phase) {
    if (!begin_ || begin_->phase != phase.name) return {};
    const auto restore = [&]() -> Result<void> {
      WAKEBUILDER_CHECK(check_same(phase.identity, begin_->identity));
      WAKEBUILDER_CHECK(training.restore(begin_->training));
      return set_random_state(begin_->random);
    };
    if (auto status = restore(); !status)
      return fail_in(core::shown(job_.state), std::move(status).error());
    history_ = begin_->history;
    begin_.reset();
    for (const Value& line : history_) say(line);
    return {};
  }

  LoopWatcher watcher_of(Training& training, const Phase& phase) {
    LoopWatcher watcher;
    watcher.progress = [this, &phase](const HeadProgress& progress) {
      say(in_phase(phase.name, line_of(progress)));
      return true;
    };
    watcher.validated = [this, &phase](const Validation& found, double remaining_s) {
      history_.push_back(in_phase(phase.name, line_of(found, remaining_s)));
      say(history_.back());
    };
    watcher.must_stop = watcher_.must_stop;
    if (job_.state.empty()) return watcher;
    watcher.save = [this, &training, &phase] {
      return write_state(job_.state, {.phase = phase.name,
                                      .identity = phase.identity,
                                      .training = training.state(),
                                      .history = history_,
                                      .random = random_state()});
    };
    return watcher;
  }

  void say(const Value& line) const {
    if (watcher_.say) watcher_.say(line);
  }

  const Job& job_;
  const JobWatcher& watcher_;
  checkpoint::Checkpoint data_{};
  std::optional<JobState> begin_{};
  core::List history_{};
  model::NamedTensors weights_{};
  JobEnd end_{};
};

}  // namespace

Result<JobEnd> run(const Job& job, const JobWatcher& watcher) {
  return guarded([&] { return JobRun(job, watcher).run(); });
}

Value to_value(const Job& job, const JobEnd& end) {
  Dict line = {{"output", job.output.string()}};
  if (end.stopped_at) line.emplace_back("stopped_at", *end.stopped_at);
  if (end.stopped_at && end.in_fine_tuning) line.emplace_back("phase", kFineTunePhase);
  return line;
}

}  // namespace wakebuilder::train
