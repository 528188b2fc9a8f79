// The published Audio Spectrogram Transformers that heads are trained on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wakebuilder/core/value.h"

namespace wakebuilder::pipeline {

/// Settings of the feature extractor that belongs to a base model.
struct BaseModelSettings {
  std::int64_t frames;  ///< of 10 ms
  std::int64_t mel_bins;
  double mean;  ///< features are (log mel - mean) / (2 std)
  double std;
};

/// The settings of a base model by its public name ("MIT/ast-finetuned-speech-commands-v2");
/// nothing for others. Source: the preprocessor_config.json of each, as transformers' conversion
/// script writes it.
std::optional<BaseModelSettings> base_model_settings(std::string_view name);

/// The base model that a checkpoint's metadata names; null when it names none.
const std::string* base_model_name(const core::Value& metadata);

}  // namespace wakebuilder::pipeline
