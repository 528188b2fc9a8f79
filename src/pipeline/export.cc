#include "wakebuilder/pipeline/export.h"

#include <algorithm>
#include <future>
#include <span>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/sha256.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/core/version.h"
#include "wakebuilder/model/fold.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/external_data.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/runtime/onnxruntime.h"
#include "wakebuilder/runtime/wake_model.h"

#include "pipeline/base_model.h"
#include "pipeline/elapsed.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;

/// Initializers below this size stay in the model when its weights go to another file.
constexpr std::size_t kMinExternalBytes = 1024;

// ---- what may be written ----

Result<void> check_options(const ExportOptions& options) {
  if (options.opset < onnx::kOldestEmittedOpset || options.opset > onnx::kNewestEmittedOpset) {
    return fail(ErrorCode::kInvalidArgument,
                "opset: expected " + std::to_string(onnx::kOldestEmittedOpset) + " to " +
                    std::to_string(onnx::kNewestEmittedOpset) + ", found " +
                    std::to_string(options.opset));
  }
  return options.atol ? check_atol(*options.atol) : Result<void>();
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) && !error;
}

/// A new model takes the place of an older model, but not of something else by mistake.
Result<void> check_replaceable(const fs::path& output) {
  std::error_code error;
  if (!fs::exists(output, error)) return {};
  if (onnx::read_model(output)) return {};
  return fail(ErrorCode::kInvalidArgument, core::shown(output) +
                                               ": is there already and is no ONNX model; choose "
                                               "another name, or --force to overwrite it");
}

Result<fs::path> external_path(const fs::path& output, const ExportOptions& options) {
  if (options.external_data.empty()) return fs::path();
  if (fs::path(options.external_data).filename() != options.external_data) {
    return fail(ErrorCode::kInvalidArgument,
                "external data: expected a file name beside the model, found \"" +
                    core::quote(options.external_data) + "\"");
  }
  fs::path data = output.parent_path() / options.external_data;
  std::error_code error;
  if (data == output)
    return fail(ErrorCode::kInvalidArgument, "external data: expected another file than the model");
  if (fs::exists(data, error) && !options.force) {
    return fail(
        ErrorCode::kInvalidArgument,
        core::shown(data) +
            ": is there already and may belong to another model; choose another name, or --force");
  }
  return data;
}

Result<void> check_targets(const fs::path& checkpoint, const fs::path& output, const fs::path& data,
                           bool force) {
  if (is_same_file(checkpoint, output) || is_same_file(checkpoint, data)) {
    return fail(ErrorCode::kInvalidArgument,
                core::shown(checkpoint) + ": is the checkpoint and cannot be the output");
  }
  if (force) return {};
  return check_replaceable(output);
}

// ---- metadata ----

using Properties = std::vector<std::pair<std::string, std::string>>;

/// How a detector is to use a graph that hears sound.
Properties listening_properties(const model::GraphOptions& variant) {
  const std::int64_t window =
      variant.stream ? variant.frames : std::min(variant.frames, runtime::kWindowFrames);
  const runtime::Decision decision;
  return {{"window_frames", std::to_string(window)},
          {"hop_frames", std::to_string(runtime::kHopFrames)},
          {"smoothing", std::to_string(decision.smoothing)},
          {"refractory_s", core::to_text(decision.refractory_s)}};
}

Properties feature_properties(std::int64_t frames, double mean, double std) {
  return {{"frames", std::to_string(frames)},
          {"mel_bins", std::to_string(model::kFeatureBins)},
          {"feature_mean", core::to_text(mean)},
          {"feature_std", core::to_text(std)}};
}

/// A head belongs to a published base model; then its features are known.
Properties properties_of(const model::Classifier& classifier, const model::GraphOptions&) {
  const std::string* name = base_model_name(classifier.metadata);
  if (name == nullptr) return {};
  Properties properties = {{"base_model", *name}};
  if (const auto settings = base_model_settings(*name)) {
    const auto features =
        feature_properties(settings->frames, settings->features.mean, settings->features.std);
    properties.insert(properties.end(), features.begin(), features.end());
  }
  return properties;
}

Properties properties_of(const model::CompactClassifier& network,
                         const model::GraphOptions& variant) {
  return feature_properties(variant.frames, network.config.feature_mean,
                            network.config.feature_std);
}

Properties properties_of(const model::AstClassifier& network, const model::GraphOptions& variant) {
  if (network.feature_mean && network.feature_std)
    return feature_properties(variant.frames, *network.feature_mean, *network.feature_std);
  return {{"frames", std::to_string(variant.frames)},
          {"mel_bins", std::to_string(model::kFeatureBins)}};
}

/// The states of a stream: names, shapes and first values, all zeros.
std::string states_json(const onnx::ModelProto& proto) {
  core::List states;
  for (const auto& state : onnx::states_of(proto)) {
    core::List shape;
    for (const std::int64_t size : state.shape)
      shape.push_back(size == 0 ? core::Value("batch") : core::Value(size));
    states.push_back(core::Dict{{"input", state.input},
                                {"output", state.output},
                                {"shape", std::move(shape)},
                                {"first_value", 0}});
  }
  return core::to_json(core::Value(std::move(states)));
}

Properties stream_properties(const onnx::ModelProto& proto, const model::GraphOptions& variant) {
  return {{"warm_up_hops", std::to_string(model::warm_up_hops(variant))},
          {"states", states_json(proto)}};
}

/// What every exported model says about itself (docs/formats/onnx.md).
Properties metadata_of(const LoadedNetwork& loaded, const onnx::ModelProto& proto,
                       const model::GraphOptions& variant, const ExportOptions& options) {
  const model::Settings& settings = model::settings_of(loaded.network);
  Properties properties = {
      {"wake_word", settings.wake_word.value_or("")},
      {"threshold", core::to_text(threshold_of(loaded.network))},
      {"labels", "[\"other\", \"wake_word\"]"},
      {"sample_rate", std::to_string(settings.sample_rate_hz)},
      {"graph", model::graph_name(loaded.network)},
      {"input", variant.waveform ? "waveform" : "features"},
      {"stream", variant.stream ? "true" : "false"},
      {"precision", "float32"},
      {"opset", std::to_string(options.opset)},
      {"folded", options.fold ? "true" : "false"},
      {"checkpoint_sha256", loaded.sha256},
      {"wakebuilder_version", std::string(version())},
  };
  const auto append = [&](const Properties& more) {
    properties.insert(properties.end(), more.begin(), more.end());
  };
  append(
      std::visit([&](const auto& known) { return properties_of(known, variant); }, loaded.network));
  if (!loaded.base_sha256.empty()) append({{"base_sha256", loaded.base_sha256}});
  if (!std::holds_alternative<model::Classifier>(loaded.network))
    append(listening_properties(variant));
  if (variant.stream) append(stream_properties(proto, variant));
  return properties;
}

/// The record of the proof, known only after the model has run. As the last field of the file it
/// can be appended: protobuf joins repeated fields (Protocol Buffers, "Encoding: Last One Wins").
std::string validation_record(const Validation& validation) {
  onnx::ModelProto record;
  record.metadata_props = {{"max_abs_diff", core::to_text(validation.max_abs_diff)},
                           {"atol", core::to_text(validation.atol)}};
  return onnx::serialize(record);
}

// ---- check and proof ----

/// All errors of a check as one sentence: the first, and how many more.
tl::unexpected<Error> check_failed(const std::vector<core::Finding>& findings) {
  std::size_t errors = 0;
  const core::Finding* first = nullptr;
  for (const core::Finding& finding : findings) {
    if (finding.severity != core::Severity::kError) continue;
    if (errors++ == 0) first = &finding;
  }
  std::string more = errors > 1 ? " (and " + std::to_string(errors - 1) + " more)" : "";
  return fail(ErrorCode::kCheckFailed,
              "the exported graph is not sound: " + first->where + ": " + first->message + more);
}

Result<void> check_written(const fs::path& staged, ExportReport& report) {
  WAKEBUILDER_TRY(const auto written, onnx::read_model(staged));
  onnx::CheckReport checked = onnx::check_model(written, staged.parent_path());
  if (!core::passes(checked.findings)) return check_failed(checked.findings);
  report.judges = std::move(checked.judges);
  report.findings = std::move(checked.findings);
  return {};
}

void release_pages(const LoadedNetwork& loaded) {
  for (const auto& file : loaded.files) file->release_pages();
}

/// From this size on ONNX Runtime maps the weights out of the staged file: its own way to load a
/// file holds them more than once.
constexpr std::uint64_t kLargeModel = std::uint64_t{64} << 20U;

/// The model of a file without its large weights, which are said to be where the file has them.
std::string skeleton_of(onnx::ModelProto model, const core::MappedFile& file,
                        const std::string& file_name) {
  for (onnx::TensorProto& tensor : model.graph->initializers) {
    if (!tensor.raw_data || tensor.raw_data->bytes.size() < kMinExternalBytes) continue;
    const auto bytes = tensor.raw_data->bytes;
    tensor.raw_data.reset();
    tensor.data_location = 1;
    tensor.external_data = {{"location", file_name},
                            {"offset", std::to_string(bytes.data() - file.bytes().data())},
                            {"length", std::to_string(bytes.size())}};
  }
  return onnx::serialize(model);
}

/// Opens what was written; a large model with two threads.
Result<runtime::Session> open_staged(const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                                     const fs::path& staged) {
  WAKEBUILDER_TRY(const auto mapped, core::MappedFile::open(staged));
  if (mapped->bytes().size() < kLargeModel) return runtime::Session::open(runtime, staged);
  WAKEBUILDER_TRY(auto model, onnx::parse_model(mapped->bytes(), nullptr));
  const std::string skeleton = skeleton_of(std::move(model), *mapped, staged.filename().string());
  return runtime::Session::open(
      runtime, std::as_bytes(std::span(skeleton)),
      {.threads = 2, .weights_folder = fs::absolute(staged).parent_path()});
}

/// Compares the staged model with the reference, which computes while ONNX Runtime opens the model.
Result<void> prove(const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                   const fs::path& staged, const onnx::ModelProto& proto,
                   const LoadedNetwork& loaded, double atol, ExportReport& report) {
  const model::Network& network = loaded.network;
  auto trial = std::async([&] { return make_trial(network, report.variant); });
  WAKEBUILDER_TRY(auto session, open_staged(runtime, staged));
  report.judges.push_back("ONNX Runtime " + runtime->version());
  const Trial expected = trial.get();
  release_pages(loaded);
  WAKEBUILDER_TRY(report.validation, compare(session, expected, threshold_of(network), atol));
  if (report.validation.passed) return {};
  WAKEBUILDER_CHECK(find_first_layer(runtime, proto, network, report.variant, report.validation));
  return fail(ErrorCode::kCheckFailed, describe_miss(report.validation));
}

std::size_t count_parameters(const onnx::ModelProto& proto) {
  std::size_t count = 0;
  for (const auto& tensor : proto.graph->initializers) {
    if (tensor.data_type == onnx::kFloat && !tensor.dims.empty()) count += core::numel(tensor.dims);
  }
  return count;
}

/// What an export has written beside its targets. The model names its weights by the name that they
/// have now, so that an older pair of files stays whole until the proof is done.
struct Staged {
  core::StagedFile model;
  std::optional<core::StagedFile> weights;
  onnx::ModelProto proto;  ///< of `model`
};

Result<Staged> stage(onnx::ModelProto proto, const fs::path& output, const fs::path& data_path) {
  WAKEBUILDER_TRY(auto model, core::StagedFile::create(output));
  Staged staged{.model = std::move(model), .weights = {}, .proto = std::move(proto)};
  if (!data_path.empty()) {
    WAKEBUILDER_TRY(staged.weights, core::StagedFile::create(data_path));
    const std::string location = staged.weights->path().filename().string();
    WAKEBUILDER_TRY(staged.proto, onnx::move_weights_out(std::move(staged.proto), *staged.weights,
                                                         location, kMinExternalBytes));
  }
  WAKEBUILDER_CHECK(onnx::write_model(staged.model, staged.proto));
  return staged;
}

/// Writes the model anew, with the name that its weights will have.
Result<void> name_weights(Staged& staged, const std::string& location) {
  for (onnx::TensorProto& tensor : staged.proto.graph->initializers) {
    for (auto& [key, value] : tensor.external_data) {
      if (key == "location") value = location;
    }
  }
  WAKEBUILDER_TRY(staged.model, core::StagedFile::create(staged.model.target()));
  return onnx::write_model(staged.model, staged.proto);
}

/// The weights are in place before the model that refers to them.
Result<void> publish(Staged& staged) {
  if (staged.weights) WAKEBUILDER_CHECK(staged.weights->publish());
  return staged.model.publish();
}

Result<void> measure(const Staged& staged, ExportReport& report) {
  WAKEBUILDER_TRY(const auto model, core::MappedFile::open(staged.model.path()));
  report.sha256 = core::sha256_hex(model->bytes());
  report.bytes = model->bytes().size();
  if (!staged.weights) return {};
  WAKEBUILDER_TRY(const auto weights, core::MappedFile::open(staged.weights->path()));
  report.bytes += weights->bytes().size();
  report.external_data = staged.weights->target();
  return {};
}

/// A head without its backbone hears nothing: the way to the whole.
std::string remark_on(const LoadedNetwork& loaded) {
  if (!std::holds_alternative<model::Classifier>(loaded.network)) return {};
  return "the head alone, for embeddings of its AST; --graph ast" +
         std::string(loaded.holds_backbone ? "" : " --base DIR") +
         " exports the whole, which hears sound";
}

Result<ExportReport> run_export(const LoadedNetwork& loaded, const fs::path& output,
                                const fs::path& data_path, const ExportOptions& options) {
  ExportReport report;
  report.output = output;
  report.opset = options.opset;
  report.folded = options.fold;
  report.graph = model::graph_name(loaded.network);
  WAKEBUILDER_TRY(report.variant, model::resolve(loaded.network, options.variant));
  report.checkpoint_sha256 = loaded.sha256;
  report.remark = remark_on(loaded);
  // Loading the two libraries takes as long as folding, so it goes on beside it. It has to be done
  // before check_written(), which forks.
  auto loading = std::async([&] {
    auto runtime = runtime::OnnxRuntime::load(options.onnxruntime);
    onnx::load_operators();
    return runtime;
  });
  WAKEBUILDER_TRY(const onnx::ModelProto proto, build_model(loaded, options));
  report.parameters = count_parameters(proto);
  report.nodes = proto.graph->nodes.size();

  release_pages(loaded);
  WAKEBUILDER_TRY(auto staged, stage(proto, output, data_path));
  release_pages(loaded);
  WAKEBUILDER_TRY(const auto runtime, loading.get());
  WAKEBUILDER_CHECK(check_written(staged.model.path(), report));
  WAKEBUILDER_CHECK(prove(runtime, staged.model.path(), proto, loaded,
                          options.atol.value_or(default_atol(loaded.network, report.variant)),
                          report));
  if (staged.weights) WAKEBUILDER_CHECK(name_weights(staged, data_path.filename().string()));
  WAKEBUILDER_CHECK(staged.model.write(validation_record(report.validation)));
  release_pages(loaded);
  WAKEBUILDER_CHECK(measure(staged, report));
  WAKEBUILDER_CHECK(publish(staged));
  return report;
}

}  // namespace

double default_atol(const model::Network& network, const model::GraphOptions& variant) {
  return variant.waveform || std::holds_alternative<model::AstClassifier>(network) ? 1e-4 : 1e-5;
}

Result<onnx::ModelProto> build_model(const LoadedNetwork& loaded, const ExportOptions& options) {
  WAKEBUILDER_TRY(const auto variant, model::resolve(loaded.network, options.variant));
  const model::Network network = options.fold ? model::fold(loaded.network) : loaded.network;
  onnx::ModelProto proto = onnx::build(network, variant, options.opset);
  proto.producer_name = "wakebuilder";
  proto.producer_version = version();
  proto.metadata_props = metadata_of(loaded, proto, variant, options);
  return proto;
}

Result<ExportReport> export_onnx(const fs::path& checkpoint, const fs::path& output,
                                 const ExportOptions& options) {
  const auto start = Clock::now();
  WAKEBUILDER_CHECK(check_options(options));
  WAKEBUILDER_TRY(const auto data, external_path(output, options));
  WAKEBUILDER_TRY(const auto loaded,
                  load_network(checkpoint, {.graph = options.graph, .base = options.base}));
  WAKEBUILDER_CHECK(check_targets(checkpoint, output, data, options.force));
  auto report = run_export(loaded, output, data, options);
  if (!report) {
    const bool names_file =
        report.error().code == ErrorCode::kIo || report.error().code == ErrorCode::kNotFound;
    if (names_file) return report;
    return fail_in(core::shown(checkpoint), std::move(report).error());
  }
  report->seconds = seconds_since(start);
  return report;
}

}  // namespace wakebuilder::pipeline
