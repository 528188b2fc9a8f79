#include "wakebuilder/pipeline/training_files.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "wakebuilder/audio/mel_filters.h"

#include "pipeline/number_list.h"

namespace wakebuilder::pipeline {
namespace {

using core::Dict;
using core::List;
using core::Value;

constexpr std::string_view kModelVersion = "2.0";  ///< of WakeBuilder's layout of these keys

Value count(std::size_t number) { return static_cast<std::int64_t>(number); }

/// A seed may be beyond what fits int64.
Value unsigned_number(std::uint64_t number) {
  if (number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return static_cast<std::int64_t>(number);
  return core::BigInteger{std::to_string(number)};
}

template <class Items, class Function>
List list_of(const Items& items, Function function) {
  List list;
  for (const auto& item : items) list.push_back(function(item));
  return list;
}

// ---- metrics ----

/// The lowest loss; null where there is none.
Value best_loss(const std::vector<HistoryPoint>& history) {
  double best = std::numeric_limits<double>::infinity();
  for (const HistoryPoint& point : history)
    if (point.validation_loss < best) best = point.validation_loss;
  return std::isfinite(best) ? Value(best) : Value();
}

/// A member of what may not be there.
template <class Object>
Value member(const Object* object, double Object::*field) {
  return object == nullptr ? Value() : Value(object->*field);
}

/// The head that is kept is that of the last validation; the lowest loss may be an earlier one's.
Value metrics_of(const TrainingRecord& record) {
  const auto& history = record.history;
  const HistoryPoint* last = history.empty() ? nullptr : &history.back();
  const ThresholdPoint* point = chosen_point(record);
  return Dict{{"best_val_loss", best_loss(history)},
              {"val_accuracy", member(last, &HistoryPoint::validation_accuracy)},
              {"val_f1", member(last, &HistoryPoint::validation_f1)},
              {"accuracy", member(point, &ThresholdPoint::accuracy)},
              {"f1_score", member(point, &ThresholdPoint::f1)},
              {"precision", member(point, &ThresholdPoint::precision)},
              {"recall", member(point, &ThresholdPoint::recall)},
              {"far", member(point, &ThresholdPoint::far)},
              {"frr", member(point, &ThresholdPoint::frr)},
              {"false_accepts_per_hour", member(point, &ThresholdPoint::false_accepts_per_hour)}};
}

Value to_value(const ThresholdPoint& point) {
  return Dict{{"threshold", point.threshold},
              {"far", point.far},
              {"frr", point.frr},
              {"accuracy", point.accuracy},
              {"precision", point.precision},
              {"recall", point.recall},
              {"f1", point.f1},
              {"false_accepts_per_hour", point.false_accepts_per_hour}};
}

/// A number of things, kept in a double.
Value whole_number(double number) {
  return std::isfinite(number) ? Value(std::int64_t{std::llround(number)}) : Value();
}

// ---- how it came about ----

/// The sizes that only a compact network has.
void add_sizes(const model::CompactConfig& config, Value& keys) {
  keys.set("heads", config.heads);
  keys.set("window", config.window);
  keys.set("width", config.width);
  keys.set("se_dim", config.se_dim);
  keys.set("dilations", number_list(config.dilations));
}

void add_sizes(const model::HeadConfig& config, Value& keys) { keys.set("se_dim", config.se_dim); }

const std::vector<std::int64_t>& hidden_dims_of(const TrainingRecord& record) {
  return std::visit(
      [](const auto& config) -> const auto& { return config.hidden_dims; }, record.config);
}

std::int64_t embedding_dim_of(const TrainingRecord& record) {
  const auto* head = std::get_if<model::HeadConfig>(&record.config);
  return head != nullptr ? head->embedding_dim : model::kEmbeddingDim;
}

/// Blocks that both graphs are trained with.
Dict block_keys() { return {{"use_attention", true}, {"use_se_block", true}, {"use_tcn", true}}; }

Value training_config_of(const TrainingRecord& record) {
  Value keys = block_keys();
  keys.set("classifier_dims", number_list(hidden_dims_of(record)));
  keys.set("epochs_trained", count(record.history.size()));
  keys.set("early_stopped", record.stopped_early);
  keys.set("steps", record.steps);
  keys.set("seed", unsigned_number(record.seed));
  keys.set("calibration",
           Dict{{"scale", record.calibration.scale}, {"offset", record.calibration.offset}});
  std::visit([&keys](const auto& config) { add_sizes(config, keys); }, record.config);
  return keys;
}

/// Samples are windows; hard negatives are renderings of words that sound alike.
Value data_stats_of(const TrainingData& data) {
  const Value positive = count(data.positive_windows);
  const Value negative = count(data.negative_windows);
  const Value learned = count(data.positive_windows + data.negative_windows);
  const Value validated = count(data.validation_windows);
  return Dict{{"num_recordings", count(data.recordings)},
              {"num_positive_samples", positive},
              {"num_negative_samples", negative},
              {"num_train_samples", learned},
              {"num_val_samples", validated},
              {"recordings", count(data.recordings)},
              {"positive_samples", positive},
              {"negative_samples", negative},
              {"hard_negatives", count(data.near_words)},
              {"train_size", learned},
              {"val_size", validated},
              {"words", count(data.words)},
              {"phrases", count(data.phrases)},
              {"near_words", count(data.near_words)},
              {"isolated_words", count(data.isolated)},
              {"running_speech", count(data.running)},
              {"negatives_hours", data.negatives_hours},
              {"failed", count(data.failed)}};
}

Value texts_of(const std::vector<ScoredText>& texts) {
  return list_of(texts, [](const ScoredText& scored) -> Value {
    return Dict{{"text", scored.text}, {"voice", scored.voice}, {"score", scored.score}};
  });
}

Value stages_of(const std::vector<StageTime>& stages) {
  return list_of(stages, [](const StageTime& stage) -> Value {
    return Dict{{"stage", stage.stage}, {"seconds", stage.seconds}};
  });
}

/// `wakebuilder export` sets these keys too, and takes the failure away.
void add_onnx(const TrainingRecord& record, Value& metadata) {
  metadata.set("has_onnx", record.has_onnx);
  if (record.has_onnx) {
    metadata.set("onnx_size_bytes", unsigned_number(record.onnx_bytes));
  } else if (!record.onnx_failure.empty()) {
    metadata.set("onnx_failure", record.onnx_failure);
  }
}

/// WakeBuilder's name for what a head on an AST is.
std::string model_type_of(const TrainingRecord& record) {
  return record.graph == "head" ? "ast" : record.graph;
}

Value model_keys(const TrainingRecord& record) {
  Value keys = Dict{{"wake_word", record.wake_word},
                    {"threshold", record.threshold},
                    {"model_type", model_type_of(record)},
                    {"embedding_dim", embedding_dim_of(record)},
                    {"classifier_hidden_dims", number_list(hidden_dims_of(record))}};
  for (auto& [key, value] : block_keys()) keys.set(*key.get_if<std::string>(), value);
  keys.set("sample_rate", audio::kSampleRateHz);
  keys.set("model_version", kModelVersion);
  keys.set("base_model", record.base_model);
  if (!record.base_path.empty()) keys.set("base_path", record.base_path);
  keys.set("parameters", count(record.parameters));
  keys.set("trainable_params", count(record.parameters));
  keys.set("total_parameters", count(record.total_parameters));
  keys.set("created_at", record.created_at);
  return keys;
}

}  // namespace

const ThresholdPoint* chosen_point(const TrainingRecord& record) {
  const auto& points = record.threshold_analysis;
  const auto found = std::ranges::min_element(points, {}, [&](const ThresholdPoint& point) {
    return std::abs(point.threshold - record.threshold);
  });
  return found == points.end() ? nullptr : &*found;
}

double told_hours(const TrainingRecord& record) {
  return record.everyday_hours > 0 ? record.everyday_hours : record.negative_hours;
}

Value to_metadata(const TrainingRecord& record) {
  Value metadata = model_keys(record);
  metadata.set("metrics", metrics_of(record));
  metadata.set("threshold_analysis", list_of(record.threshold_analysis, to_value));
  metadata.set("training_config", training_config_of(record));
  metadata.set("data_stats", data_stats_of(record.data));
  metadata.set("training_time_seconds", record.seconds);
  metadata.set("recordings",
               list_of(record.recordings, [](const std::string& file) -> Value { return file; }));
  metadata.set("wakebuilder_version", record.version);
  metadata.set("phonemes", record.phonemes);
  metadata.set("seed", unsigned_number(record.seed));
  metadata.set("wanted_false_accepts_per_hour", record.wanted_per_hour);
  metadata.set("held_out_hours", record.negative_hours);
  metadata.set("everyday_hours", told_hours(record));
  metadata.set("rate_is_shown", record.rate_is_shown);
  metadata.set("stages", stages_of(record.stages));
  metadata.set("confused", texts_of(record.confused));
  metadata.set("missed", texts_of(record.missed));
  add_onnx(record, metadata);
  return metadata;
}

Value to_history(const TrainingRecord& record) {
  std::int64_t epoch = 0;
  return list_of(record.history, [&](const HistoryPoint& point) -> Value {
    return Dict{{"epoch", ++epoch},
                {"step", point.step},
                {"train_loss", point.train_loss},
                {"train_acc", point.train_accuracy},
                {"val_loss", point.validation_loss},
                {"val_acc", point.validation_accuracy},
                {"val_f1", point.validation_f1},
                {"val_recall", point.validation_recall},
                {"val_false_accepts", whole_number(point.validation_false_accepts)},
                {"lr", point.rate}};
  });
}

}  // namespace wakebuilder::pipeline
