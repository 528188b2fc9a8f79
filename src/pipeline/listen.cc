#include "wakebuilder/pipeline/listen.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/runtime/onnxruntime.h"

#include "pipeline/exported_network.h"

namespace wakebuilder::pipeline {
namespace {

using Runtime = std::shared_ptr<const runtime::OnnxRuntime>;

std::string name_of(const ListenTarget& target) {
  if (!target.name.empty()) return target.name;
  const std::string stem = target.file.stem().string();
  constexpr std::string_view kStream = ".stream";
  return stem.ends_with(kStream) ? stem.substr(0, stem.size() - kStream.size()) : stem;
}

Result<void> check_targets(std::span<const ListenTarget> targets) {
  if (targets.empty())
    return fail(ErrorCode::kInvalidArgument, "expected a model to listen with, found none");
  std::set<std::string> names;
  for (const ListenTarget& target : targets) {
    if (names.insert(name_of(target)).second) continue;
    return fail(ErrorCode::kInvalidArgument, "expected models with different names, found two of " +
                                                 core::quote(name_of(target)));
  }
  return {};
}

Result<runtime::Session> open_in_memory(const Runtime& runtime, const onnx::ModelProto& model,
                                        const runtime::SessionOptions& options) {
  const std::string bytes = onnx::serialize(model);
  return runtime::Session::open(runtime, std::as_bytes(std::span(bytes)), options);
}

/// The graph that a compact network listens with: a stream, or a window, of the frames wanted.
model::GraphOptions listening_variant(const ExportedNetwork& exported,
                                      const ListenOptions& options) {
  const auto& wanted = options.overrides;
  const std::int64_t frames = wanted.window_frames.value_or(
      exported.variant.stream ? exported.variant.frames : runtime::kWindowFrames);
  return {.waveform = false, .stream = options.streams, .frames = frames};
}

bool is_external(const onnx::TensorProto& tensor) { return tensor.data_location == 1; }

/// The nodes of a compact network do not depend on the number of frames that its input declares:
/// the same model for windows of `frames`, so that no padding is computed. Nothing for other
/// models.
std::optional<onnx::ModelProto> declared_as(const onnx::ModelProto& model, std::int64_t frames) {
  const bool is_window = model.says("graph", "compact") && !model.says("stream", "true") &&
                         !model.says("input", "waveform");
  if (!is_window || !model.graph || model.graph->inputs.size() != 1) return std::nullopt;
  const bool is_whole = std::ranges::none_of(model.graph->initializers, is_external);
  if (!is_whole) return std::nullopt;
  onnx::ModelProto narrowed = model;
  auto& type = narrowed.graph->inputs[0].type;
  if (!type || !type->shape || type->shape->size() != 3) return std::nullopt;
  (*type->shape)[1] = {.value = frames, .param = {}};
  narrowed.graph->value_infos.clear();
  return narrowed;
}

/// Networks that hear through one backbone, and what their models say of them.
struct SharedStream {
  std::vector<model::CompactClassifier> networks;
  std::vector<runtime::WakeWord> words;
  model::GraphOptions variant;
  std::int64_t opset = 0;

  bool takes(const model::CompactClassifier& network, const model::GraphOptions& wanted) const {
    return variant == wanted && wanted.stream && model::shares_backbone(networks[0], network);
  }

  /// Those with the same config come together, so that their heads can be stacked.
  void insert(model::CompactClassifier network, runtime::WakeWord word) {
    const auto last = std::find_if(networks.rbegin(), networks.rend(), [&](const auto& other) {
                        return other.config == network.config;
                      }).base();
    const auto place = last == networks.begin() ? networks.end() : last;
    words.insert(words.begin() + (place - networks.begin()), std::move(word));
    networks.insert(place, std::move(network));
  }
};

runtime::Hearing hearing_of(const SharedStream& shared) {
  const model::CompactConfig& config = shared.networks[0].config;
  const model::GraphOptions& variant = shared.variant;
  return {.waveform = false,
          .stream = variant.stream,
          .window_frames = variant.frames,
          .hop_frames = model::kHopFrames,
          .declared_rows = variant.stream ? model::kHopFrames : variant.frames,
          .warm_up_hops = variant.stream ? model::warm_up_hops(variant) : 0,
          .feature_mean = config.feature_mean,
          .feature_std = config.feature_std};
}

/// The models of a call, on their way into sessions.
class Gathering {
 public:
  Gathering(Runtime runtime, const ListenOptions& options)
      : runtime_(std::move(runtime)), options_(options), session_options_(options.session) {
    session_options_.record_placements = !session_options_.providers.empty();
  }

  Result<void> add(const ListenTarget& target) {
    WAKEBUILDER_TRY(const auto model, onnx::read_model(target.file));
    if (auto exported = exported_network(model); exported && is_regular_hop())
      return add_network(target, model, *std::move(exported));
    return add_as_it_is(target, model);
  }

  Result<Listening> finish() {
    for (SharedStream& shared : shared_) WAKEBUILDER_CHECK(open(shared));
    WAKEBUILDER_TRY(auto detector,
                    runtime::Detector::create(std::move(models_), options_.detector));
    return Listening{.detector = std::move(detector),
                     .modes = std::move(modes_),
                     .providers = std::move(providers_)};
  }

 private:
  /// Graphs made here have a score every kHopFrames.
  bool is_regular_hop() const {
    return options_.overrides.hop_frames.value_or(model::kHopFrames) == model::kHopFrames;
  }

  Result<void> add_network(const ListenTarget& target, const onnx::ModelProto& model,
                           ExportedNetwork exported) {
    auto word = runtime::wake_word(model.metadata_props, name_of(target), options_.overrides);
    if (!word) return fail_in(core::shown(target.file), std::move(word).error());
    const auto variant = model::resolve(exported.network, listening_variant(exported, options_));
    if (!variant) return fail_in(core::shown(target.file), variant.error());
    modes_.push_back({.model = word->model, .stream = variant->stream, .remark = {}});
    const auto same = std::ranges::find_if(shared_, [&](const SharedStream& shared) {
      return shared.takes(exported.network, *variant);
    });
    SharedStream& shared = same != shared_.end() ? *same : shared_.emplace_back();
    shared.variant = *variant;
    shared.opset = exported.opset;
    shared.insert(std::move(exported.network), *std::move(word));
    return {};
  }

  Result<void> add_as_it_is(const ListenTarget& target, const onnx::ModelProto& model) {
    auto session = open_file(target, model);
    if (!session) return fail_in(core::shown(target.file), std::move(session).error());
    auto understood = runtime::understand(*std::move(session), name_of(target), options_.overrides);
    if (!understood) return fail_in(core::shown(target.file), std::move(understood).error());
    modes_.push_back({.model = name_of(target),
                      .stream = understood->hearing.stream,
                      .remark = remark_on(model, understood->hearing)});
    return add(*std::move(understood));
  }

  Result<runtime::Session> open_file(const ListenTarget& target, const onnx::ModelProto& model) {
    const std::int64_t window = options_.overrides.window_frames.value_or(runtime::kWindowFrames);
    if (const auto narrowed = declared_as(model, window))
      return open_in_memory(runtime_, *narrowed, session_options_);
    return runtime::Session::open(runtime_, target.file, session_options_);
  }

  /// The models of a session and what computes it.
  Result<void> add(runtime::WakeModel model) {
    if (session_options_.record_placements) {
      WAKEBUILDER_TRY(auto placements, model.session.placements());
      ProviderReport& report = providers_.emplace_back();
      for (const runtime::WakeWord& word : model.words) report.models.push_back(word.model);
      report.placements = std::move(placements);
      report.fallbacks = model.session.fallbacks();
    }
    models_.push_back(std::move(model));
    return {};
  }

  static std::string remark_on(const onnx::ModelProto& model, const runtime::Hearing& hearing) {
    if (hearing.stream || !model.says("graph", "compact")) return {};
    return "is no export of this version: each window is computed anew, which costs ten times as "
           "much as a stream; export it again";
  }

  Result<void> open(SharedStream& shared) {
    const runtime::Hearing hearing = hearing_of(shared);
    const auto model = shared.networks.size() == 1
                           ? onnx::build(shared.networks[0], shared.variant, shared.opset)
                           : onnx::build_shared(shared.networks, shared.variant, shared.opset);
    shared.networks.clear();
    WAKEBUILDER_TRY(auto session, open_in_memory(runtime_, model, session_options_));
    return add(
        {.session = std::move(session), .hearing = hearing, .words = std::move(shared.words)});
  }

  Runtime runtime_;
  const ListenOptions& options_;
  runtime::SessionOptions session_options_;
  std::vector<SharedStream> shared_;
  std::vector<runtime::WakeModel> models_;
  std::vector<ListenMode> modes_;
  std::vector<ProviderReport> providers_;
};

}  // namespace

Result<Listening> listen(std::span<const ListenTarget> targets, const ListenOptions& options) {
  WAKEBUILDER_CHECK(check_targets(targets));
  WAKEBUILDER_CHECK(runtime::check(options.overrides));
  WAKEBUILDER_TRY(auto runtime, runtime::OnnxRuntime::load(options.onnxruntime));
  Gathering gathering(std::move(runtime), options);
  for (const ListenTarget& target : targets) WAKEBUILDER_CHECK(gathering.add(target));
  return gathering.finish();
}

}  // namespace wakebuilder::pipeline
