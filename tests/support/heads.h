// Heads with random weights, and temporary folders to export them in.
#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "wakebuilder/model/classifier.h"

namespace wakebuilder::test {

/// Small weights from a fixed seed; norms around one, so that a mistake in the maths shows.
inline model::NamedTensors random_head(const model::HeadConfig& config, unsigned seed = 1) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(-0.5F, 0.5F);
  auto head = model::make_head<model::Parameter>(config);
  model::NamedTensors tensors;
  model::visit(head, config,
               [&](const std::string& name, model::Parameter&, const core::Shape& shape) {
                 const bool is_scale = shape.size() == 1 && name.ends_with(".weight");
                 std::vector<float> values(core::numel(shape));
                 for (float& value : values) value = uniform(engine) + (is_scale ? 1.0F : 0.0F);
                 tensors.emplace_back(name, core::Tensor::from(std::move(values), shape));
               });
  return tensors;
}

/// All eight combinations of the three optional blocks.
inline std::vector<model::HeadConfig> all_block_combinations(
    std::int64_t dim, const std::vector<std::int64_t>& hidden) {
  std::vector<model::HeadConfig> configs;
  for (unsigned bits = 0; bits < 8; ++bits) {
    configs.push_back({.embedding_dim = dim,
                       .hidden_dims = hidden,
                       .use_attention = (bits & 1U) != 0,
                       .use_se_block = (bits & 2U) != 0,
                       .use_tcn = (bits & 4U) != 0,
                       .se_dim = 32});
  }
  return configs;
}

inline std::string to_string(const model::HeadConfig& config) {
  return core::to_string(std::vector{config.embedding_dim}) + core::to_string(config.hidden_dims) +
         (config.use_attention ? " attention" : "") + (config.use_se_block ? " se" : "") +
         (config.use_tcn ? " tcn" : "");
}

}  // namespace wakebuilder::test
