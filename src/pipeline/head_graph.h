// WakeBuilder's head on a frozen Audio Spectrogram Transformer.
#pragma once

#include <filesystem>
#include <memory>

#include "wakebuilder/core/result.h"

#include "pipeline/trained_graph.h"

namespace wakebuilder::pipeline {

/// @param base  as load_base()
/// Errors: those of load_base(); kUnsupported for a base without the scale of its features, other
/// mel bins than 128, or a width that the head's attention cannot divide.
Result<std::unique_ptr<TrainedGraph>> head_graph(const std::filesystem::path& base);

}  // namespace wakebuilder::pipeline
