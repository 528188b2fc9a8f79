#include "wakebuilder/pipeline/load.h"

#include <array>
#include <future>

#include "wakebuilder/audio/features.h"
#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/sha256.h"
#include "wakebuilder/core/text.h"

#include "pipeline/base_model.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;

/// A checkpoint's state dict and fingerprint.
struct ReadFile {
  checkpoint::StateDict state;
  checkpoint::Format format;
  std::string sha256;
  std::shared_ptr<const core::MappedFile> mapped;
};

Result<ReadFile> read(const fs::path& path) {
  WAKEBUILDER_TRY(const auto mapped, core::MappedFile::open(path));
  // Hashing takes as long as reading does, so the two go on beside each other.
  auto sha256 = std::async([&] { return core::sha256_hex(mapped->bytes()); });
  WAKEBUILDER_TRY(const auto file, checkpoint::read(mapped, path));
  auto state = checkpoint::find_state_dict(file);
  if (!state) return fail_in(core::shown(path), std::move(state).error());
  return ReadFile{
      .state = *std::move(state), .format = file.format, .sha256 = sha256.get(), .mapped = mapped};
}

model::Settings& settings_of(model::Network& network) {
  return std::visit([](auto& known) -> model::Settings& { return known; }, network);
}

// ---- the AST and the files beside it ----

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

/// The weights of a base: the file itself, or that of a folder.
Result<fs::path> weights_of(const fs::path& base) {
  std::error_code error;
  if (!fs::is_directory(base, error)) return base;
  constexpr std::array kNames = {"model.safetensors", "pytorch_model.bin"};
  for (const char* name : kNames) {
    if (is_file(base / name)) return base / name;
  }
  return fail(ErrorCode::kNotFound, core::shown(base) +
                                        ": expected model.safetensors or pytorch_model.bin in this "
                                        "folder, found neither");
}

Result<std::optional<model::AstConfig>> config_beside(const fs::path& weights) {
  const fs::path path = weights.parent_path() / "config.json";
  if (!is_file(path)) return std::nullopt;
  WAKEBUILDER_TRY(const auto text, core::read_text(path));
  auto config = model::parse_ast_config(text);
  if (!config) return fail_in(core::shown(path), std::move(config).error());
  return *config;
}

Result<void> read_features_beside(const fs::path& weights, model::AstClassifier& network) {
  const fs::path path = weights.parent_path() / "preprocessor_config.json";
  if (!is_file(path)) return {};
  WAKEBUILDER_TRY(const auto options, audio::read_preprocessor(path));
  if (!options.normalise) return {};
  network.feature_mean = options.mean;
  network.feature_std = options.std;
  return {};
}

/// What the published base models are known to take.
void guess_features(model::AstClassifier& network) {
  const std::string* name = base_model_name(network.metadata);
  const auto settings = name != nullptr ? base_model_settings(*name) : std::nullopt;
  if (network.feature_mean || !settings || settings->frames != network.config.max_length) return;
  network.feature_mean = settings->mean;
  network.feature_std = settings->std;
}

Result<model::AstClassifier> load_whole(const checkpoint::StateDict& state, const fs::path& path) {
  WAKEBUILDER_TRY(const auto config, config_beside(path));
  auto network = model::load_ast_classifier(state.tensors, state.metadata, config);
  if (!network) return fail_in(core::shown(path), std::move(network).error());
  WAKEBUILDER_CHECK(read_features_beside(path, *network));
  return network;
}

Result<model::LoadedAst> load_base(const fs::path& path, LoadedNetwork& loaded) {
  WAKEBUILDER_TRY(auto file, read(path));
  WAKEBUILDER_TRY(const auto config, config_beside(path));
  auto base = model::load_ast(file.state.tensors, config);
  if (!base) return fail_in(core::shown(path), std::move(base).error());
  loaded.base_sha256 = std::move(file.sha256);
  loaded.files.push_back(std::move(file.mapped));
  return base;
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
  WAKEBUILDER_TRY(const auto weights, weights_of(options.base));
  auto head = model::load_classifier(state.tensors, state.metadata);
  if (!head) return fail_in(core::shown(path), std::move(head).error());
  WAKEBUILDER_TRY(auto base, load_base(weights, loaded));
  auto network = model::join(std::move(base), *std::move(head));
  if (!network) return fail_in(core::shown(weights), std::move(network).error());
  WAKEBUILDER_CHECK(read_features_beside(weights, *network));
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
  if (auto* ast = std::get_if<model::AstClassifier>(&*network))
    WAKEBUILDER_CHECK(read_features_beside(path, *ast));
  return network;
}

}  // namespace

Result<LoadedNetwork> load_network(const fs::path& checkpoint, const LoadOptions& options) {
  WAKEBUILDER_TRY(auto file, read(checkpoint));
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
