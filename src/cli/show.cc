#include "cli/show.h"

#include <algorithm>
#include <cstdio>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/pipeline/training_files.h"

#include "cli/table.h"

namespace wakebuilder::cli {
namespace {

using pipeline::Validation;

std::string joined(const std::vector<std::string>& words, const std::string& separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

/// "  checked by    structure, ...": a label and what it says.
std::string line(const std::string& label, const std::string& text) {
  return "  " + label + std::string(label.size() < 14 ? 14 - label.size() : 1, ' ') + text + "\n";
}

std::string show_validation(const Validation& validation) {
  std::string text =
      line("compared with", validation.reference + ", atol " + core::to_text(validation.atol) +
                                (validation.passed ? ": passed" : ": FAILED"));
  Table table({"batch", "max |diff|", "max rel", "flips"});
  for (const auto& batch : validation.batches) {
    table.add({std::to_string(batch.batch), difference_text(batch.difference.max_abs_diff),
               difference_text(batch.difference.max_rel_diff),
               std::to_string(batch.decision_flips)});
  }
  text += table.text(16);
  if (validation.layers.empty()) return text;
  Table layers({"layer", "max |diff|"});
  for (const auto& layer : validation.layers)
    layers.add({layer.layer, difference_text(layer.max_abs_diff)});
  return text + layers.text(16);
}

std::string show_findings(const std::vector<core::Finding>& findings) {
  std::string text;
  for (const core::Finding& finding : findings) {
    text += "  " + std::string(core::to_string(finding.severity)) + ": " + finding.where + ": " +
            finding.message + "\n";
  }
  return text;
}

std::string short_value(const core::Value& value) {
  const auto* text = value.get_if<std::string>();
  return core::printable(core::shorten(text != nullptr ? *text : core::to_json(value), 100));
}

std::string show_metadata(const core::Value& metadata) {
  const auto* dict = metadata.get_if<core::Dict>();
  if (dict == nullptr || dict->empty()) return {};
  Table table({"metadata", ""});
  for (const auto& [key, value] : *dict) {
    const auto* name = key.get_if<std::string>();
    table.add({core::quote(name != nullptr ? *name : core::to_json(key), 60), short_value(value)});
  }
  return "\n" + table.text();
}

std::string show_tensors(const std::vector<pipeline::TensorSummary>& tensors) {
  if (tensors.empty()) return {};
  Table table({"tensor", "dtype", "shape"});
  for (const auto& tensor : tensors)
    table.add({core::quote(tensor.name), tensor.dtype, core::to_string(tensor.shape)});
  return "\n" + table.text();
}

std::string port_text(const pipeline::PortSummary& port) {
  std::vector<std::string> dims;
  for (const std::string& dim : port.shape) dims.push_back(core::quote(dim));
  return core::quote(port.name) + " " + port.dtype + " [" + joined(dims, ", ") + "]";
}

std::string show_graph_summary(const pipeline::Inspection& inspection) {
  std::string text = line("opset", std::to_string(*inspection.opset) + ", IR version " +
                                       std::to_string(inspection.ir_version));
  if (!inspection.producer.empty()) text += line("producer", core::quote(inspection.producer));
  for (const auto& port : inspection.inputs) text += line("input", port_text(port));
  for (const auto& port : inspection.outputs) text += line("output", port_text(port));
  std::vector<std::string> counts;
  for (const auto& [name, number] : inspection.operators)
    counts.push_back(std::to_string(number) + " " + core::quote(name));
  return text + line("nodes", std::to_string(inspection.nodes) + ": " + joined(counts, ", "));
}

std::string threshold_text(const std::optional<double>& threshold) {
  if (!threshold) return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", *threshold);
  return text.data();
}

}  // namespace

namespace {

/// "compact of waveform, 1024 frames", "compact stream, 160 frames", "head".
std::string graph_text(const pipeline::ExportReport& report) {
  const model::GraphOptions& variant = report.variant;
  std::string text =
      report.graph + (variant.stream ? " stream" : "") + (variant.waveform ? " of waveform" : "");
  if (variant.frames > 0) text += ", " + std::to_string(variant.frames) + " frames";
  return text;
}

}  // namespace

std::string show(const pipeline::ExportReport& report) {
  std::array<char, 32> seconds{};
  std::snprintf(seconds.data(), seconds.size(), "%.2f s", report.seconds);
  std::string text = report.output.string() + "\n";
  text += line("graph", graph_text(report) + ", opset " + std::to_string(report.opset) + ", " +
                            (report.folded ? "folded" : "not folded") + ", " +
                            std::to_string(report.nodes) + " nodes, " + grouped(report.parameters) +
                            " parameters");
  text += line("size",
               size_text(report.bytes) +
                   (report.external_data.empty() ? "" : " with " + report.external_data.string()));
  text += line("checked by", joined(report.judges, ", "));
  text += show_validation(report.validation);
  text += line("sha256", report.sha256);
  text += line("took", seconds.data());
  if (!report.remark.empty()) text += line("this is", report.remark);
  return text + show_findings(report.findings);
}

std::string show(const pipeline::ValidateReport& report, const std::string& model) {
  std::string text = model + ": " + (report.valid ? "valid" : "NOT VALID") + "\n";
  text += line("checked by", joined(report.judges, ", "));
  for (const Validation& validation : report.validations) text += show_validation(validation);
  return text + show_findings(report.findings);
}

std::string show(const pipeline::Inspection& inspection, const std::string& file, bool with_graph) {
  std::string text = file + "\n";
  text += line("format", inspection.format + ", " + size_text(inspection.bytes));
  if (!inspection.architecture.empty()) text += line("architecture", inspection.architecture);
  text += line("parameters", grouped(inspection.parameters) + " in " +
                                 std::to_string(inspection.tensors.size()) + " tensors");
  if (inspection.opset) text += show_graph_summary(inspection);
  text += show_metadata(inspection.metadata);
  if (with_graph) return text + "\n" + inspection.graph_text;
  return text + show_tensors(inspection.tensors);
}

std::string show(const pipeline::ConvertReport& report) {
  return report.output.string() + "\n" +
         line("holds", std::to_string(report.tensors) + " tensors, " + size_text(report.bytes)) +
         line("checked", "reads back the same, value by value");
}

std::string show(const pipeline::FeaturesReport& report) {
  return report.output.string() + "\n" +
         line("features", std::to_string(report.frames) + " frames of " +
                              std::to_string(report.mel_bins) + " mel bins, " +
                              size_text(report.bytes)) +
         line("sound", std::to_string(report.valid_frames) + " frames, " +
                           core::to_text(report.seconds) + " s");
}

std::string show(const pipeline::BackboneReport& report) {
  return report.output.string() + "\n" +
         line("holds", std::to_string(report.tensors) + " tensors, " + grouped(report.parameters) +
                           " parameters, " + size_text(report.bytes)) +
         line("compared with", report.compared_with + " on the original: passed, " +
                                   difference_text(report.max_scaled_diff) + " apart");
}

namespace {

std::string show_live(const pipeline::LiveRow& live) {
  return std::string("listening ") + (live.stream ? "as a stream" : "window by window") +
         ", one thread, " + live.provider + ": " + fixed_text(live.ms_per_second_of_audio, 2) +
         " ms per second of sound (processor " + fixed_text(live.cpu_ms_per_s, 2) + " ms), " +
         fixed_text(live.real_time, 0) + " times real time, first score after " +
         fixed_text(live.first_score_ms, 0) + " ms, " + size_text(live.rss_bytes) + "\n";
}

/// Others may be at work: then the figures are upper bounds.
std::string show_remarks(const pipeline::BenchReport& report) {
  std::string text;
  for (const std::string& fallback : report.fallbacks) text += "warning: " + fallback + "\n";
  const auto is_stable = [](const auto& row) { return row.stable; };
  if (std::ranges::all_of(report.rows, is_stable) && (!report.live || report.live->stable))
    return text;
  return text +
         "remark: not all medians came to rest; a longer --seconds or a quieter machine "
         "makes them surer\n";
}

}  // namespace

std::string show(const pipeline::BenchReport& report) {
  Table table({"model", "precision", "provider", "threads", "batch", "median us", "p99 us",
               "processor us", "memory"});
  for (const auto& row : report.rows) {
    table.add({core::quote(row.model), core::quote(row.precision), row.provider,
               std::to_string(row.threads), std::to_string(row.batch), fixed_text(row.median_us, 0),
               fixed_text(row.p99_us, 0), fixed_text(row.cpu_us, 0), size_text(row.rss_bytes)});
  }
  return table.text(0) + (report.live ? show_live(*report.live) : "") + show_remarks(report);
}

namespace {

constexpr std::size_t kMostClips = 10;

std::string percent_text(double share) { return fixed_text(100 * share, 1); }

std::string rates_table(const std::vector<pipeline::ModelEvaluation>& models) {
  std::vector<std::string> heading = {"model"};
  for (const auto& point : models.front().points)
    heading.push_back(core::to_text(point.wanted_per_hour) + "/h");
  heading.insert(heading.end(), {"AUC", "EER %"});
  Table table(std::move(heading));
  for (const auto& model : models) {
    std::vector<std::string> row = {core::quote(model.model)};
    for (const auto& point : model.points) row.push_back(percent_text(point.miss_rate));
    row.insert(row.end(), {fixed_text(model.auc, 4), percent_text(model.eer)});
    table.add(std::move(row));
  }
  return "miss rate in % at false accepts per hour\n" + table.text();
}

std::string folders_table(const pipeline::ModelEvaluation& model) {
  std::vector<std::string> heading = {"folder", "clips", "hours"};
  for (const auto& point : model.points)
    heading.push_back(core::to_text(point.wanted_per_hour) + "/h");
  heading.emplace_back("of");
  Table table(std::move(heading));
  for (const auto& folder : model.folders) {
    std::vector<std::string> row = {core::shown(folder.folder), std::to_string(folder.clips),
                                    fixed_text(folder.hours, 2)};
    for (const double rate : folder.rates)
      row.push_back(folder.positive ? percent_text(rate) : fixed_text(rate, 1));
    row.emplace_back(folder.positive ? "misses, %" : "false accepts per hour");
    table.add(std::move(row));
  }
  return table.text();
}

std::string thresholds_line(const pipeline::ModelEvaluation& model) {
  std::string text = "  thresholds:";
  for (const auto& point : model.points)
    text +=
        " " + fixed_text(point.threshold, 6) + " (" + core::to_text(point.wanted_per_hour) + "/h)";
  return text + "\n";
}

std::string clips_list(const std::string& title, const std::vector<pipeline::ClipScore>& clips,
                       bool with_time) {
  if (clips.empty()) return {};
  std::string text = "  " + title + " (" + std::to_string(clips.size()) + "):\n";
  for (std::size_t i = 0; i < std::min(clips.size(), kMostClips); ++i) {
    text += "    " + fixed_text(clips[i].score, 4) + "  " + core::shown(clips[i].file);
    text += with_time ? " at " + fixed_text(clips[i].time_s, 2) + " s\n" : "\n";
  }
  return clips.size() <= kMostClips ? text : text + "    ... all with --json\n";
}

}  // namespace

std::string show(const pipeline::EvaluateReport& report) {
  std::string text = std::to_string(report.positives) + " positives, " +
                     fixed_text(report.negative_hours, 2) + " h of negatives in " +
                     std::to_string(report.negatives) + " clips";
  if (report.snr_db) text += ", noise at " + core::to_text(*report.snr_db) + " dB";
  if (report.duplicates > 0) text += ", " + std::to_string(report.duplicates) + " copies left out";
  if (!report.skipped.empty()) text += ", " + std::to_string(report.skipped.size()) + " skipped";
  text += "\n" + rates_table(report.models);
  for (const auto& model : report.models) {
    text += core::quote(model.model) + "\n" + folders_table(model) + thresholds_line(model) +
            clips_list("highest false accepts", model.false_accepts, true) +
            clips_list("missed at 1 false accept per hour", model.missed, false);
  }
  return text;
}

std::string show(const std::vector<pipeline::RegistrySummary>& models,
                 const std::string& registry) {
  if (models.empty()) return registry + ": no models\n";
  Table table({"name", "wake word", "kind", "threshold", "checkpoint", "onnx"});
  for (const auto& model : models) {
    table.add({core::quote(model.entry.name), core::quote(model.wake_word), model.entry.category,
               threshold_text(model.threshold),
               model.entry.has_checkpoint ? size_text(model.checkpoint_bytes) : "-",
               model.entry.has_onnx ? size_text(model.onnx_bytes) : "-"});
  }
  std::string text = table.text(0);
  for (const auto& model : models) {
    if (!model.problem.empty()) text += "warning: " + model.problem + "\n";
  }
  return text;
}

std::string show(const pipeline::ProvidersReport& report) {
  Table table({"provider", "available", "reason"});
  for (const auto& status : report.providers)
    table.add({core::quote(status.name), status.available ? "yes" : "no", status.reason});
  return "ONNX Runtime " + core::quote(report.version) + ", " + core::shown(report.library) + "\n" +
         table.text();
}

std::string show(const pipeline::TrainReport& report) {
  const pipeline::TrainingRecord& record = report.record;
  const std::string name = core::printable(record.name);
  const pipeline::ThresholdPoint* chosen = pipeline::chosen_point(record);
  std::ostringstream text;
  text << "trained \"" << core::printable(record.wake_word) << "\" in "
       << fixed_text(record.seconds, 0) << " s: " << core::shown(report.entry.checkpoint) << "\n";
  text << "threshold " << core::to_text(record.threshold);
  if (chosen != nullptr)
    text << ": hears " << fixed_text(100 * chosen->recall, 1) << " % of held-out synthetic words, "
         << fixed_text(chosen->false_accepts_per_hour, 2) << " false accepts per hour in "
         << fixed_text(record.negative_hours, 1) << " h without the word";
  text << "\n";
  if (!record.rate_is_shown)
    text << "note: so little sound cannot show that it is wrong at most "
         << core::to_text(record.wanted_per_hour)
         << " times an hour; --negatives DIR with hours of your own sound can\n";
  if (record.has_onnx) {
    text << "exported and checked: " << core::shown(report.entry.onnx) << " ("
         << size_text(record.onnx_bytes) << ", largest difference "
         << difference_text(record.onnx_max_abs_diff) << ")\n";
  } else {
    text << "not exported: " << record.onnx_failure << "\n";
  }
  text << "report: " << core::shown(report.report) << "\n";
  if (record.graph == "head")
    text << "next: wakebuilder export " << name << " --graph ast (the AST with this head hears)\n";
  else
    text << "next: wakebuilder detect " << name << " --microphone\n";
  return text.str();
}

std::string show(const pipeline::PreviewReport& report) {
  return std::to_string(report.sounds) + " windows: " + core::shown(report.page) + ", picture " +
         core::shown(report.picture) + "\n";
}

}  // namespace wakebuilder::cli
