#include "wakebuilder/pipeline/report.h"

#include "wakebuilder/core/text.h"

namespace wakebuilder::pipeline {
namespace {

using core::Dict;
using core::List;
using core::Value;

template <class T>
Value count(T number) {
  return static_cast<std::int64_t>(number);
}

template <class T, class F>
Value list_of(const std::vector<T>& items, F to_item) {
  List list;
  for (const T& item : items) list.push_back(to_item(item));
  return list;
}

Value strings(const std::vector<std::string>& items) {
  return list_of(items, [](const std::string& item) { return Value(item); });
}

Value batch_value(const BatchResult& batch) {
  return Dict{{"batch", count(batch.batch)},
              {"max_abs_diff", batch.difference.max_abs_diff},
              {"max_rel_diff", batch.difference.max_rel_diff},
              {"decision_flips", count(batch.decision_flips)}};
}

Value layer_value(const LayerDifference& layer) {
  return Dict{{"layer", layer.layer}, {"max_abs_diff", layer.max_abs_diff}};
}

Value tensor_value(const TensorSummary& tensor) {
  List shape;
  for (const std::int64_t dim : tensor.shape) shape.emplace_back(dim);
  return Dict{{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", std::move(shape)}};
}

Value port_value(const PortSummary& port) {
  return Dict{{"name", port.name}, {"dtype", port.dtype}, {"shape", strings(port.shape)}};
}

void add_graph(const Inspection& inspection, Value& value) {
  value.set("opset", *inspection.opset);
  value.set("ir_version", inspection.ir_version);
  value.set("producer", inspection.producer);
  value.set("inputs", list_of(inspection.inputs, port_value));
  value.set("outputs", list_of(inspection.outputs, port_value));
  value.set("nodes", count(inspection.nodes));
  Dict operators;
  for (const auto& [name, number] : inspection.operators)
    operators.emplace_back(name, count(number));
  value.set("operators", std::move(operators));
}

Dict scores_of(const WordReport& word, bool with_scores) {
  if (!with_scores) return {};
  const auto as_it_is = [](double number) -> Value { return number; };
  return {{"times_s", list_of(word.times_s, as_it_is)}, {"scores", list_of(word.scores, as_it_is)}};
}

/// "1": a rate as a key.
Value rate_key(const OperatingPoint& point) { return core::to_text(point.wanted_per_hour); }

Value clip_value(const ClipScore& clip) {
  return Dict{{"file", clip.file.string()}, {"time_s", clip.time_s}, {"score", clip.score}};
}

Value missed_value(const ClipScore& clip) {
  return Dict{{"file", clip.file.string()}, {"score", clip.score}};
}

Value folder_value(const FolderResult& folder, const std::vector<OperatingPoint>& points) {
  Dict rates;
  for (std::size_t i = 0; i < points.size(); ++i)
    rates.emplace_back(rate_key(points[i]), folder.rates[i]);
  return Dict{{"folder", folder.folder.string()},
              {"positive", folder.positive},
              {"clips", count(folder.clips)},
              {"hours", folder.hours},
              {folder.positive ? "miss_rate" : "false_accepts_per_hour", std::move(rates)}};
}

Dict evaluation_dict(const ModelEvaluation& model) {
  Dict misses;
  Dict thresholds;
  for (const OperatingPoint& point : model.points) {
    misses.emplace_back(rate_key(point), point.miss_rate);
    thresholds.emplace_back(rate_key(point), point.threshold);
  }
  const auto folder = [&](const FolderResult& result) {
    return folder_value(result, model.points);
  };
  return {{"model", model.model},
          {"miss_rate", std::move(misses)},
          {"threshold", std::move(thresholds)},
          {"auc", model.auc},
          {"eer", model.eer},
          {"folders", list_of(model.folders, folder)},
          {"false_accepts", list_of(model.false_accepts, clip_value)},
          {"missed", list_of(model.missed, missed_value)}};
}

}  // namespace

Value to_value(const Validation& validation) {
  Value value = Dict{{"passed", validation.passed},
                     {"max_abs_diff", validation.max_abs_diff},
                     {"max_rel_diff", validation.max_rel_diff},
                     {"decision_flips", count(validation.decision_flips)},
                     {"atol", validation.atol},
                     {"reference", validation.reference},
                     {"batches", list_of(validation.batches, batch_value)}};
  if (!validation.layers.empty()) value.set("layers", list_of(validation.layers, layer_value));
  if (!validation.first_layer.empty()) value.set("first_layer", validation.first_layer);
  return value;
}

Value to_value(const std::vector<core::Finding>& findings) {
  return list_of(findings, [](const core::Finding& finding) -> Value {
    return Dict{{"severity", core::to_string(finding.severity)},
                {"where", finding.where},
                {"message", finding.message}};
  });
}

Value to_value(const ExportReport& report) {
  Value value = Dict{{"output", report.output.string()},
                     {"graph", report.graph},
                     {"input", report.variant.waveform ? "waveform" : "features"},
                     {"stream", report.variant.stream},
                     {"opset", report.opset},
                     {"bytes", count(report.bytes)},
                     {"folded", report.folded},
                     {"sha256", report.sha256},
                     {"checkpoint_sha256", report.checkpoint_sha256},
                     {"parameters", count(report.parameters)},
                     {"nodes", count(report.nodes)},
                     {"judges", strings(report.judges)},
                     {"findings", to_value(report.findings)},
                     {"validation", to_value(report.validation)},
                     {"seconds", report.seconds}};
  if (!report.external_data.empty()) value.set("external_data", report.external_data.string());
  if (report.variant.frames > 0) value.set("frames", report.variant.frames);
  if (!report.remark.empty()) value.set("remark", report.remark);
  return value;
}

Value to_value(const ValidateReport& report) {
  Value value = Dict{{"valid", report.valid},
                     {"findings", to_value(report.findings)},
                     {"judges", strings(report.judges)}};
  if (!report.validations.empty()) {
    value.set("validation", to_value(report.validations.front()));
    if (report.validations.size() > 1) {
      value.set("activations", to_value(report.validations.back()));
    }
  }
  return value;
}

Value to_value(const BackboneReport& report) {
  return Dict{{"output", report.output.string()},         {"tensors", count(report.tensors)},
              {"parameters", count(report.parameters)},   {"bytes", count(report.bytes)},
              {"source_sha256", report.source_sha256},    {"compared_with", report.compared_with},
              {"max_scaled_diff", report.max_scaled_diff}};
}

Value to_value(const Inspection& inspection) {
  Value value = Dict{{"format", inspection.format},
                     {"bytes", count(inspection.bytes)},
                     {"parameters", count(inspection.parameters)},
                     {"tensors", list_of(inspection.tensors, tensor_value)},
                     {"metadata", inspection.metadata}};
  if (!inspection.architecture.empty()) value.set("architecture", inspection.architecture);
  if (inspection.opset) add_graph(inspection, value);
  return value;
}

Value to_value(const FeaturesReport& report) {
  return Dict{{"output", report.output.string()},   {"frames", count(report.frames)},
              {"mel_bins", count(report.mel_bins)}, {"valid_frames", count(report.valid_frames)},
              {"seconds", report.seconds},          {"bytes", count(report.bytes)}};
}

Value to_value(const ConvertReport& report) {
  return Dict{{"output", report.output.string()},
              {"tensors", count(report.tensors)},
              {"bytes", count(report.bytes)}};
}

Value to_value(const std::vector<RegistrySummary>& models) {
  List list =
      *list_of(models, [](const RegistrySummary& model) -> Value {
         Value value =
             Dict{{"name", model.entry.name},
                  {"category", model.entry.category},
                  {"wake_word", model.wake_word},
                  {"threshold", model.threshold ? Value(*model.threshold) : Value()},
                  {"checkpoint",
                   model.entry.has_checkpoint ? Value(model.entry.checkpoint.string()) : Value()},
                  {"checkpoint_size_bytes", count(model.checkpoint_bytes)},
                  {"has_onnx", model.entry.has_onnx},
                  {"onnx_size_bytes", count(model.onnx_bytes)}};
         if (!model.problem.empty()) value.set("problem", model.problem);
         return value;
       }).get_if<List>();
  return Dict{{"models", std::move(list)}, {"total", count(models.size())}};
}

Value to_value(const runtime::Detection& detection) {
  return Dict{{"time_s", detection.time_s}, {"score", detection.score}, {"model", detection.model}};
}

Value to_value(const DetectReport& report) {
  Dict value = {
      {"file", report.file},
      {"detected", report.detected()},
      {"score", report.score()},
      {"seconds", report.seconds},
      {"dropped", count(report.dropped)},
      {"detections", list_of(report.detections, [](const auto& d) { return to_value(d); })}};
  if (report.words.size() == 1) {
    const Dict scores = scores_of(report.words[0], report.with_scores);
    value.insert(value.end(), scores.begin(), scores.end());
    return value;
  }
  Dict models;
  for (const WordReport& word : report.words) {
    Dict scores = scores_of(word, report.with_scores);
    scores.emplace(scores.begin(), "score", word.score);
    models.emplace_back(word.model, std::move(scores));
  }
  value.emplace_back("models", std::move(models));
  return value;
}

Value to_value(const EvaluateReport& report) {
  Dict value = {{"positives", count(report.positives)},
                {"negatives", count(report.negatives)},
                {"negative_hours", report.negative_hours},
                {"duplicates", count(report.duplicates)},
                {"snr_db", report.snr_db ? Value(*report.snr_db) : Value()},
                {"seed", count(report.seed)},
                {"skipped", list_of(report.skipped, [](const SkippedFile& skipped) -> Value {
                   return Dict{{"file", skipped.file.string()}, {"reason", skipped.reason}};
                 })}};
  if (report.models.size() == 1) {
    Dict model = evaluation_dict(report.models.front());
    value.insert(value.end(), model.begin(), model.end());
  } else {
    value.emplace_back("models", list_of(report.models, [](const ModelEvaluation& model) -> Value {
                         return evaluation_dict(model);
                       }));
  }
  return value;
}

Value to_value(const BenchReport& report) {
  Dict value = {{"rows", list_of(report.rows, [](const BenchRow& row) -> Value {
                   return Dict{{"model", row.model},
                               {"precision", row.precision},
                               {"provider", row.provider},
                               {"threads", row.threads},
                               {"batch", count(row.batch)},
                               {"runs", count(row.runs)},
                               {"median_us", row.median_us},
                               {"p99_us", row.p99_us},
                               {"cpu_us", row.cpu_us},
                               {"stable", row.stable},
                               {"rss_bytes", count(row.rss_bytes)}};
                 })}};
  if (const auto& live = report.live) {
    value.emplace_back("live", Dict{{"stream", live->stream},
                                    {"provider", live->provider},
                                    {"first_score_ms", live->first_score_ms},
                                    {"ms_per_second_of_audio", live->ms_per_second_of_audio},
                                    {"cpu_ms_per_s", live->cpu_ms_per_s},
                                    {"real_time", live->real_time},
                                    {"stable", live->stable},
                                    {"rss_bytes", count(live->rss_bytes)}});
  }
  value.emplace_back("fallbacks", strings(report.fallbacks));
  return value;
}

Value to_value(const ProvidersReport& report) {
  return Dict{
      {"onnxruntime", Dict{{"version", report.version}, {"library", report.library.string()}}},
      {"providers", list_of(report.providers, [](const runtime::ProviderStatus& status) -> Value {
         return Dict{
             {"name", status.name}, {"available", status.available}, {"reason", status.reason}};
       })}};
}

Value to_value(const TrainReport& report) {
  const TrainingRecord& record = report.record;
  Dict seconds;
  for (const StageTime& stage : record.stages) seconds.emplace_back(stage.stage, stage.seconds);
  Value value = Dict{{"name", record.name},
                     {"wake_word", record.wake_word},
                     {"checkpoint", report.entry.checkpoint.string()},
                     {"metadata", report.entry.metadata.string()},
                     {"report", report.report.string()},
                     {"has_onnx", record.has_onnx},
                     {"threshold", record.threshold},
                     {"false_accepts_per_hour", record.wanted_per_hour},
                     {"rate_is_shown", record.rate_is_shown},
                     {"held_out_hours", record.negative_hours},
                     {"steps", record.steps},
                     {"seed", static_cast<std::int64_t>(record.seed)},
                     {"seconds", record.seconds},
                     {"stages", std::move(seconds)}};
  if (record.has_onnx) {
    value.set("output", report.entry.onnx.string());
    value.set("onnx_size_bytes", static_cast<std::int64_t>(record.onnx_bytes));
    value.set("max_abs_diff", record.onnx_max_abs_diff);
  } else {
    value.set("onnx_failure", record.onnx_failure);
  }
  return value;
}

Value to_value(const PreviewReport& report) {
  return Dict{{"folder", report.folder.string()},
              {"sounds", static_cast<std::int64_t>(report.sounds)},
              {"picture", report.picture.string()},
              {"page", report.page.string()}};
}

}  // namespace wakebuilder::pipeline
