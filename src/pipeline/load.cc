#include "wakebuilder/pipeline/load.h"

#include "wakebuilder/core/text.h"

#include "pipeline/base_model.h"
#include "pipeline/checkpoint_file.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;

model::Settings& settings_of(model::Network& network) {
  return std::visit([](auto& known) -> model::Settings& { return known; }, network);
}

// ---- the AST ----

void set_features(const std::optional<FeatureScale>& features, model::AstClassifier& network) {
  if (!features) return;
  network.feature_mean = features->mean;
  network.feature_std = features->std;
}

/// What the published base models are known to take.
void guess_features(model::AstClassifier& network) {
  const std::string* name = base_model_name(network.metadata);
  if (network.feature_mean || name == nullptr) return;
  set_features(usual_features(*name, network.config.max_length), network);
}

Result<model::AstClassifier> load_whole(const checkpoint::StateDict& state, const fs::path& path) {
  WAKEBUILDER_TRY(const auto config, config_beside(path));
  auto network = model::load_ast_classifier(state.tensors, state.metadata, config);
  if (!network) return fail_in(core::shown(path), std::move(network).error());
  WAKEBUILDER_TRY(const auto features, features_beside(path));
  set_features(features, *network);
  return network;
}

/// The graph ast of a checkpoint: its own backbone, or that of the base.
Result<model::Network> load_ast_network(const checkpoint::StateDict& state, const fs::path& path,
                                        const LoadOptions& options, LoadedNetwork& loaded) {
  if (options.base.empty()) {
    if (!model::holds_ast(state.tensors)) {
      return fail(ErrorCode::kInvalidArgument,
                  core::shown(path) +
                      ": expected a base for the graph ast, since this checkpoint holds a head "
                      "alone; name the AST's folder or file with --base");
    }
    WAKEBUILDER_TRY(auto network, load_whole(state, path));
    guess_features(network);
    return network;
  }
  auto head = model::load_classifier(state.tensors, state.metadata);
  if (!head) return fail_in(core::shown(path), std::move(head).error());
  WAKEBUILDER_TRY(auto base, load_base(options.base));
  auto network = model::join(std::move(base.ast), *std::move(head));
  if (!network) return fail_in(core::shown(base.weights), std::move(network).error());
  loaded.base_sha256 = std::move(base.sha256);
  loaded.files.push_back(std::move(base.mapped));
  set_features(base.features, *network);
  guess_features(*network);
  return *std::move(network);
}

Result<model::Network> build(const checkpoint::StateDict& state, const fs::path& path,
                             const LoadOptions& options, LoadedNetwork& loaded) {
  const bool is_wanted = options.graph == "ast" || (options.graph.empty() && !options.base.empty());
  if (is_wanted && !model::is_compact(state.tensors))
    return load_ast_network(state, path, options, loaded);
  std::optional<model::AstConfig> config;
  if (model::holds_ast(state.tensors)) {
    WAKEBUILDER_TRY(config, config_beside(path));
  }
  auto network = model::load_network(state.tensors, state.metadata, config);
  if (!network) return fail_in(core::shown(path), std::move(network).error());
  if (auto* ast = std::get_if<model::AstClassifier>(&*network)) {
    WAKEBUILDER_TRY(const auto features, features_beside(path));
    set_features(features, *ast);
  }
  return network;
}

}  // namespace

Result<LoadedNetwork> load_network(const fs::path& checkpoint, const LoadOptions& options) {
  WAKEBUILDER_TRY(auto file, read_checkpoint_file(checkpoint));
  LoadedNetwork loaded{.network = {},
                       .format = file.format,
                       .sha256 = std::move(file.sha256),
                       .files = {std::move(file.mapped)},
                       .base_sha256 = {},
                       .holds_backbone = model::holds_ast(file.state.tensors)};
  WAKEBUILDER_TRY(loaded.network, build(file.state, checkpoint, options, loaded));
  const std::string found = model::graph_name(loaded.network);
  if (!options.graph.empty() && options.graph != found) {
    return fail(ErrorCode::kInvalidArgument, core::shown(checkpoint) + ": expected the graph " +
                                                 core::quote(options.graph) + ", found one of " +
                                                 found + " in the checkpoint");
  }
  model::Settings& settings = settings_of(loaded.network);
  if (!settings.wake_word) settings.wake_word = checkpoint.stem().string();
  return loaded;
}

}  // namespace wakebuilder::pipeline
