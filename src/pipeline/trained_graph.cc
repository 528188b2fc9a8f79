#include "pipeline/trained_graph.h"

namespace wakebuilder::pipeline {

core::Dict to_dict(const model::NamedTensors& tensors) {
  core::Dict dict;
  for (const auto& [name, tensor] : tensors) dict.emplace_back(name, tensor);
  return dict;
}

std::size_t numbers_in(const model::NamedTensors& tensors) {
  std::size_t numbers = 0;
  for (const auto& [name, tensor] : tensors) numbers += tensor.size();
  return numbers;
}

}  // namespace wakebuilder::pipeline
