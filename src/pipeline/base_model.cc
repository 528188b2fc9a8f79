#include "pipeline/base_model.h"

#include <array>
#include <system_error>
#include <utility>

#include "wakebuilder/audio/features.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

#include "pipeline/checkpoint_file.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;

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

/// The name under which transformers loaded the model that it saved; "" where it is none.
std::string told_name(const fs::path& weights) {
  const auto text = core::read_text(weights.parent_path() / "config.json");
  const core::Value config = core::parse_json(text.value_or("")).value_or(core::Value());
  const core::Value* name = config.find("_name_or_path");
  const auto* told = name != nullptr ? name->get_if<std::string>() : nullptr;
  return told != nullptr && base_model_settings(*told) ? *told : std::string();
}

std::string name_of(const fs::path& base, const fs::path& weights) {
  if (auto told = told_name(weights); !told.empty()) return told;
  const bool is_folder = base != weights;
  const fs::path folder = fs::path(base.string() + (is_folder ? "/" : "")).parent_path();
  const std::string name = is_folder ? folder.filename().string() : base.stem().string();
  return base_model_settings("MIT/" + name) ? "MIT/" + name : name;
}

}  // namespace

std::optional<BaseModelSettings> base_model_settings(std::string_view name) {
  if (name == "MIT/ast-finetuned-speech-commands-v2") {
    return BaseModelSettings{
        .frames = 128, .mel_bins = 128, .features = {.mean = -6.845978, .std = 5.5654526}};
  }
  if (name == "MIT/ast-finetuned-audioset-10-10-0.4593") {
    return BaseModelSettings{
        .frames = 1024, .mel_bins = 128, .features = {.mean = -4.2677393, .std = 4.5689974}};
  }
  return std::nullopt;
}

std::optional<FeatureScale> usual_features(std::string_view name, std::int64_t frames) {
  const auto settings = base_model_settings(name);
  if (!settings || settings->frames != frames) return std::nullopt;
  return settings->features;
}

const std::string* base_model_name(const core::Value& metadata) {
  const core::Value* base = metadata.find("base_model");
  return base != nullptr ? base->get_if<std::string>() : nullptr;
}

Result<std::optional<model::AstConfig>> config_beside(const fs::path& weights) {
  const fs::path path = weights.parent_path() / "config.json";
  if (!is_file(path)) return std::nullopt;
  WAKEBUILDER_TRY(const auto text, core::read_text(path));
  auto config = model::parse_ast_config(text);
  if (!config) return fail_in(core::shown(path), std::move(config).error());
  return *config;
}

Result<std::optional<FeatureScale>> features_beside(const fs::path& weights) {
  const fs::path path = weights.parent_path() / "preprocessor_config.json";
  if (!is_file(path)) return std::nullopt;
  WAKEBUILDER_TRY(const auto options, audio::read_preprocessor(path));
  if (!options.normalise) return std::nullopt;
  return FeatureScale{.mean = options.mean, .std = options.std};
}

Result<LoadedBase> load_base(const fs::path& base) {
  WAKEBUILDER_TRY(const auto weights, weights_of(base));
  WAKEBUILDER_TRY(auto file, read_checkpoint_file(weights));
  WAKEBUILDER_TRY(const auto config, config_beside(weights));
  auto ast = model::load_ast(file.state.tensors, config);
  if (!ast) return fail_in(core::shown(weights), std::move(ast).error());
  WAKEBUILDER_TRY(auto features, features_beside(weights));
  auto name = name_of(base, weights);
  if (!features) features = usual_features(name, ast->config.max_length);
  return LoadedBase{.ast = *std::move(ast),
                    .name = std::move(name),
                    .features = features,
                    .weights = weights,
                    .sha256 = std::move(file.sha256),
                    .mapped = std::move(file.mapped)};
}

}  // namespace wakebuilder::pipeline
