// A compact network before and after its head is trained.
#pragma once

#include <filesystem>
#include <memory>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"
#include "wakebuilder/model/load_compact.h"

#include "pipeline/trained_graph.h"

namespace wakebuilder::pipeline {

/// Bridge and backbone, named as in a checkpoint; the head has no weights.
/// @param backbone  as find_backbone(). Errors: those of find_backbone() and load_backbone().
Result<model::CompactClassifier> frozen_network(const std::filesystem::path& backbone);

/// All tensors of the network by their names: those that were learned from `learned`, a dict, the
/// others as they were. Errors: kMismatch when a weight of the head was not learned.
Result<model::NamedTensors> with_head(const model::CompactClassifier& frozen,
                                      const core::Value& learned);

/// Errors: as frozen_network().
Result<std::unique_ptr<TrainedGraph>> compact_graph(const std::filesystem::path& backbone);

}  // namespace wakebuilder::pipeline
