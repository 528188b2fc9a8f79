#include "pipeline/base_model.h"

namespace wakebuilder::pipeline {

std::optional<BaseModelSettings> base_model_settings(std::string_view name) {
  if (name == "MIT/ast-finetuned-speech-commands-v2") {
    return BaseModelSettings{.frames = 128, .mel_bins = 128, .mean = -6.845978, .std = 5.5654526};
  }
  if (name == "MIT/ast-finetuned-audioset-10-10-0.4593") {
    return BaseModelSettings{.frames = 1024, .mel_bins = 128, .mean = -4.2677393, .std = 4.5689974};
  }
  return std::nullopt;
}

const std::string* base_model_name(const core::Value& metadata) {
  const core::Value* base = metadata.find("base_model");
  return base != nullptr ? base->get_if<std::string>() : nullptr;
}

}  // namespace wakebuilder::pipeline
