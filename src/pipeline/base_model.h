// The Audio Spectrogram Transformers that heads are trained on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"
#include "wakebuilder/model/load_ast.h"

namespace wakebuilder::pipeline {

/// Features are (log mel - mean) / (2 std).
struct FeatureScale {
  double mean, std;
};

/// Settings of the feature extractor that belongs to a published base model.
struct BaseModelSettings {
  std::int64_t frames;  ///< of 10 ms
  std::int64_t mel_bins;
  FeatureScale features;
};

/// The settings of a base model by its public name ("MIT/ast-finetuned-speech-commands-v2");
/// nothing for others. Source: the preprocessor_config.json of each, as transformers' conversion
/// script writes it.
std::optional<BaseModelSettings> base_model_settings(std::string_view name);

/// The scale of a published base model's features, if it takes so many frames.
std::optional<FeatureScale> usual_features(std::string_view name, std::int64_t frames);

/// The base model that a checkpoint's metadata names; null when it names none.
const std::string* base_model_name(const core::Value& metadata);

/// What config.json beside the weights says; nothing where there is none. Errors: those of
/// model::parse_ast_config, with the file's name in front.
Result<std::optional<model::AstConfig>> config_beside(const std::filesystem::path& weights);

/// What preprocessor_config.json beside the weights says; nothing where there is none, or where
/// features are not normalised. Errors: those of audio::read_preprocessor.
Result<std::optional<FeatureScale>> features_beside(const std::filesystem::path& weights);

/// A backbone alone, and what the files beside it say.
struct LoadedBase {
  model::LoadedAst ast;
  std::string name;  ///< public, where config.json says it, or the folder has its name; else the
                     ///< folder's, or the file's
  std::optional<FeatureScale> features;  ///< as features_beside(), else of that name's settings
  std::filesystem::path weights;
  std::string sha256;                              ///< of the weights' file
  std::shared_ptr<const core::MappedFile> mapped;  ///< that the weights lie in
};

/// Loads a base.
/// @param base  a file, or a folder as transformers writes it (model.safetensors or
///              pytorch_model.bin, config.json, preprocessor_config.json)
/// Errors: kNotFound; those of read_checkpoint_file, model::load_ast, config_beside and
/// features_beside.
Result<LoadedBase> load_base(const std::filesystem::path& base);

}  // namespace wakebuilder::pipeline
