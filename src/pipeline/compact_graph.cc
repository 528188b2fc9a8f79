#include "pipeline/compact_graph.h"

#include <string>
#include <utility>

#include "wakebuilder/model/bridge.h"
#include "wakebuilder/pipeline/backbone.h"

namespace wakebuilder::pipeline {
namespace {

using core::Dict;
using core::Value;

class CompactGraph : public TrainedGraph {
 public:
  explicit CompactGraph(model::CompactClassifier frozen)
      : frozen_(std::move(frozen)), encoder_(tokens_encoder(frozen_, model::kStreamFrames)) {}

  const FrozenEncoder& encoder() const override { return encoder_; }

  std::size_t windows_per_validated() const override { return 8; }

  Dict job() const override { return {}; }  // all as the training program has it

  std::optional<Value> backbone() const override {
    Dict tensors;
    model::visit(frozen_.network.backbone, "",
                 [&](const std::string& name, const model::Parameter& weight, const core::Shape&) {
                   tensors.emplace_back(name, weight.tensor);
                 });
    tensors.emplace_back("bridge", frozen_.network.bridge.tensor);
    return tensors;
  }

  Result<model::NamedTensors> tensors(const Value& learned) const override {
    return with_head(frozen_, learned);
  }

  Result<HeldOutScores> score(const model::NamedTensors& tensors, const HeldOutMaterial& material,
                              const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                              const HeldOutOptions& options) const override {
    WAKEBUILDER_TRY(const auto network, model::load_compact(tensors, Dict{}));
    return score_held_out(network, material.corpus.held_out, material.corpus.noises, runtime,
                          options);
  }

  void describe(const model::NamedTensors& tensors, TrainingRecord& record) const override {
    record.graph = "compact";
    record.base_model = "speech_embedding";
    record.config = frozen_.config;
    record.total_parameters = numbers_in(tensors);
    record.parameters = 0;
    for (const auto& [name, tensor] : tensors)
      if (name.starts_with("head.")) record.parameters += tensor.size();
  }

  Value checkpoint(const model::NamedTensors& tensors,
                   const TrainingRecord& record) const override {
    return Dict{{"state_dict", to_dict(tensors)},
                {"config", Dict{{"graph", "compact"},
                                {"wake_word", record.wake_word},
                                {"threshold", record.threshold},
                                {"sample_rate", 16000}}}};
  }

 private:
  model::CompactClassifier frozen_;
  FrozenEncoder encoder_;
};

}  // namespace

Result<model::CompactClassifier> frozen_network(const std::filesystem::path& backbone) {
  WAKEBUILDER_TRY(const auto file, find_backbone(backbone));
  model::CompactClassifier network;
  network.network = model::make_compact<model::Parameter>(network.config);
  WAKEBUILDER_TRY(network.network.backbone, load_backbone(file));
  network.network.bridge = {.name = "bridge", .tensor = model::make_bridge()};
  model::visit(network.network, network.config,
               [](const std::string& name, model::Parameter& weight, const core::Shape&) {
                 weight.name = name;
               });
  return network;
}

Result<model::NamedTensors> with_head(const model::CompactClassifier& frozen,
                                      const Value& learned) {
  model::NamedTensors tensors;
  std::string missing;
  model::visit(frozen.network, frozen.config,
               [&](const std::string& name, const model::Parameter& weight, const core::Shape&) {
                 const Value* found = learned.find(name);
                 const auto* tensor = found != nullptr ? found->get_if<core::Tensor>() : nullptr;
                 if (tensor == nullptr && name.starts_with("head.")) missing = name;
                 tensors.emplace_back(name, tensor != nullptr ? *tensor : weight.tensor);
               });
  if (missing.empty()) return tensors;
  return fail(ErrorCode::kMismatch, "expected the weight " + missing + " of the training program");
}

Result<std::unique_ptr<TrainedGraph>> compact_graph(const std::filesystem::path& backbone) {
  WAKEBUILDER_TRY(auto network, frozen_network(backbone));
  return std::make_unique<CompactGraph>(std::move(network));
}

}  // namespace wakebuilder::pipeline
