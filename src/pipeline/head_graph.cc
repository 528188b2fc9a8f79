#include "pipeline/head_graph.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/core/probability.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/model/network.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/runtime/bound_run.h"

#include "pipeline/number_list.h"
#include "pipeline/training_windows.h"

namespace wakebuilder::pipeline {
namespace {

using core::Dict;
using core::Value;
using Runtime = std::shared_ptr<const runtime::OnnxRuntime>;

/// As WakeBuilder makes it (reference: its classifier.py).
model::HeadConfig config_for(std::int64_t width) {
  constexpr std::int64_t kLeastSqueezed = 32;
  return {.embedding_dim = width,
          .use_attention = true,
          .use_se_block = true,
          .use_tcn = true,
          .se_dim = std::max(width / 4, kLeastSqueezed)};
}

/// A trained head on one embedding after the other.
class HeadRun {
 public:
  static Result<HeadRun> create(const Runtime& runtime, const model::NamedTensors& tensors,
                                const model::HeadConfig& config) {
    WAKEBUILDER_TRY(const auto head, model::load_classifier(tensors, metadata_of(config)));
    const std::string bytes = onnx::serialize(
        onnx::build(model::Network(head), model::GraphOptions{}, onnx::kDefaultOpset));
    WAKEBUILDER_TRY(auto session, runtime::Session::open(runtime, std::as_bytes(std::span(bytes))));
    WAKEBUILDER_TRY(auto run, runtime::BoundRun::create(
                                  std::move(session),
                                  {{.name = "embeddings", .shape = {1, config.embedding_dim}}},
                                  {{.name = "logits", .shape = {1, model::kClasses}}}));
    return HeadRun(std::move(run));
  }

  /// The probability of the wake word.
  Result<double> score(std::span<const float> embedding) {
    std::ranges::copy(embedding, run_.input(0).begin());
    WAKEBUILDER_CHECK(run_.run());
    const auto logits = run_.output(0);
    return core::logistic(static_cast<double>(logits[1]) - static_cast<double>(logits[0]));
  }

  static Value metadata_of(const model::HeadConfig& config) {
    return Dict{{"embedding_dim", config.embedding_dim},
                {"classifier_hidden_dims", number_list(config.hidden_dims)},
                {"use_attention", config.use_attention},
                {"use_se_block", config.use_se_block},
                {"use_tcn", config.use_tcn}};
  }

 private:
  explicit HeadRun(runtime::BoundRun run) : run_(std::move(run)) {}
  runtime::BoundRun run_;
};

void add(const corpus::Composition& window, const ScorePoint& point, HeldOutScores& scores) {
  ScoredText text{.text = window.text, .voice = "", .score = point.score};
  if (window.label == 1) {
    scores.words.push_back(std::move(text));
  } else if (window.is_single) {
    scores.others.push_back(std::move(text));
  } else {
    scores.stream.push_back({point});
    scores.sections.push_back(std::move(text));
  }
}

/// The validation windows, one score each: what was said alone, and the rest as a stream.
Result<HeldOutScores> judge(HeadRun& head, const HeldOutMaterial& material, std::int64_t frames) {
  WAKEBUILDER_TRY(const auto data, checkpoint::read(material.windows));
  const auto* embeddings = data.root.find("validation_tokens")->get_if<core::Tensor>();
  const auto values = embeddings->as<float>();
  const auto width = static_cast<std::size_t>(embeddings->shape()[1]);
  const auto& corpus = material.corpus;
  const auto windows = first_compositions(corpus.held_out.bank, corpus.noises, frames,
                                          material.windows_seed, values.size() / width);
  const double seconds = static_cast<double>(frames) / corpus::kFramesPerSecond;
  HeldOutScores scores;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    WAKEBUILDER_TRY(const double score, head.score(values.subspan(i * width, width)));
    add(windows[i], {.time_s = seconds, .score = score}, scores);
  }
  scores.hours =
      static_cast<double>(scores.stream.size()) * static_cast<double>(frames) / kFramesPerHour;
  return scores;
}

class HeadGraph : public TrainedGraph {
 public:
  HeadGraph(const LoadedBase& base, const std::filesystem::path& path)
      : config_(config_for(base.ast.config.hidden_size)),
        encoder_(embeddings_encoder(base)),
        base_name_(base.name),
        base_path_(std::filesystem::absolute(path).string()),
        base_sha256_(base.sha256) {
    model::visit(base.ast.backbone, base.ast.config,
                 [this](const std::string&, const model::Parameter& weight, const core::Shape&) {
                   base_numbers_ += weight.tensor.size();
                 });
  }

  const FrozenEncoder& encoder() const override { return encoder_; }

  std::size_t windows_per_validated() const override { return 4; }  // the threshold is of these

  Dict job() const override {
    return {{"graph", "head"},
            {"config", Dict{{"embedding_dim", config_.embedding_dim},
                            {"hidden_dims", number_list(config_.hidden_dims)},
                            {"use_attention", config_.use_attention},
                            {"use_se_block", config_.use_se_block},
                            {"use_tcn", config_.use_tcn},
                            {"se_dim", config_.se_dim}}}};
  }

  std::optional<Value> backbone() const override { return std::nullopt; }

  Result<model::NamedTensors> tensors(const Value& learned) const override {
    model::NamedTensors tensors;
    for (const auto& [name, value] : *learned.get_if<Dict>()) {
      const auto* tensor = value.get_if<core::Tensor>();
      if (tensor != nullptr) tensors.emplace_back(*name.get_if<std::string>(), *tensor);
    }
    WAKEBUILDER_CHECK(model::load_classifier(tensors, HeadRun::metadata_of(config_))
                          .map([](const model::Classifier&) {}));
    return tensors;
  }

  Result<HeldOutScores> score(const model::NamedTensors& tensors, const HeldOutMaterial& material,
                              const Runtime& runtime,
                              const HeldOutOptions& options) const override {
    WAKEBUILDER_TRY(auto head, HeadRun::create(runtime, tensors, config_));
    WAKEBUILDER_TRY(auto scores, judge(head, material, encoder_.frames));
    WAKEBUILDER_CHECK(listen(material.corpus.held_out.negatives, head, runtime, options, scores));
    return scores;
  }

  void describe(const model::NamedTensors& tensors, TrainingRecord& record) const override {
    record.graph = "head";
    record.base_model = base_name_;
    record.base_path = base_path_;
    record.config = config_;
    record.parameters = numbers_in(tensors);
    record.total_parameters = record.parameters + base_numbers_;
  }

  /// The keys of WakeBuilder's own files.
  Value checkpoint(const model::NamedTensors& tensors,
                   const TrainingRecord& record) const override {
    Value root = HeadRun::metadata_of(config_);
    root.set("classifier_state_dict", to_dict(tensors));
    root.set("wake_word", record.wake_word);
    root.set("threshold", record.threshold);
    root.set("sample_rate", 16000);
    root.set("model_version", "2.0");
    root.set("base_model", base_name_);
    root.set("base_sha256", base_sha256_);
    return root;
  }

 private:
  /// The user's own sound, in windows that overlap by half.
  Result<void> listen(const std::vector<corpus::Frames>& parts, HeadRun& head,
                      const Runtime& runtime, const HeldOutOptions& options,
                      HeldOutScores& scores) const {
    if (parts.empty()) return {};
    WAKEBUILDER_TRY(auto encoder, EncoderRun::create(runtime, encoder_, options.threads));
    std::size_t numbers = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const double share = static_cast<double>(i) / static_cast<double>(parts.size());
      if (options.on_progress && !options.on_progress(share))
        return fail(ErrorCode::kIo, "stopped");
      WAKEBUILDER_TRY(auto trace, trace_of(parts[i], encoder, head));
      scores.own.push_back(std::move(trace));
      numbers += parts[i].size();
    }
    scores.own_hours = static_cast<double>(numbers) / corpus::kBins / kFramesPerHour;
    return {};
  }

  Result<Trace> trace_of(const corpus::Frames& frames, EncoderRun& encoder, HeadRun& head) const {
    const auto window = static_cast<std::size_t>(encoder_.frames) * corpus::kBins;
    const std::size_t hop = static_cast<std::size_t>(encoder_.frames / 2) * corpus::kBins;
    Trace trace;
    for (std::size_t at = 0; at + window <= frames.size(); at += hop) {
      WAKEBUILDER_TRY(const auto embedding, encoder.run(std::span(frames).subspan(at, window)));
      WAKEBUILDER_TRY(const double score, head.score(embedding));
      const double end = static_cast<double>(at + window) / corpus::kBins;
      trace.push_back({.time_s = end / corpus::kFramesPerSecond, .score = score});
    }
    return trace;
  }

  model::HeadConfig config_;
  FrozenEncoder encoder_;
  std::string base_name_, base_path_, base_sha256_;
  std::size_t base_numbers_ = 0;
};

Result<void> check(const LoadedBase& base) {
  const model::AstConfig& config = base.ast.config;
  const auto refuse = [&](const std::string& sentence) {
    return fail(ErrorCode::kUnsupported, core::shown(base.weights) + ": " + sentence);
  };
  if (!base.features)
    return refuse("expected a preprocessor_config.json beside it with mean and std, found none");
  if (config.num_mel_bins != model::kFeatureBins)
    return refuse("expected 128 mel bins, found " + std::to_string(config.num_mel_bins));
  if (config.hidden_size % model::kAttentionHeads != 0)
    return refuse("expected a width that 4 heads of attention can share, found " +
                  std::to_string(config.hidden_size));
  return {};
}

}  // namespace

Result<std::unique_ptr<TrainedGraph>> head_graph(const std::filesystem::path& base) {
  WAKEBUILDER_TRY(const auto loaded, load_base(base));
  WAKEBUILDER_CHECK(check(loaded));
  return std::make_unique<HeadGraph>(loaded, base);
}

}  // namespace wakebuilder::pipeline
