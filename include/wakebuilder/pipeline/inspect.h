// Shows what is in a file, of any kind that this library reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::pipeline {

struct TensorSummary {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
};

/// An input or output of a graph; a dimension is a number, a name, or "?".
struct PortSummary {
  std::string name;
  std::string dtype;
  std::vector<std::string> shape;
};

struct Inspection {
  std::string format;  ///< "ONNX", "PyTorch zip", "safetensors", ...
  std::uint64_t bytes = 0;
  std::vector<TensorSummary> tensors;
  core::Value metadata = core::Dict{};
  std::size_t parameters = 0;  ///< elements of all tensors

  // ONNX models only
  std::optional<std::int64_t> opset;
  std::int64_t ir_version = 0;
  std::string producer;
  std::vector<PortSummary> inputs;
  std::vector<PortSummary> outputs;
  std::size_t nodes = 0;
  std::vector<std::pair<std::string, std::size_t>>
      operators;           ///< how often each occurs, most frequent first
  std::string graph_text;  ///< the printable graph

  // Checkpoints only
  std::string architecture;  ///< "WakeBuilder head 768 → 256 → 128 → 2, attention, SE, TCN", or why
                             ///< it is none
};

/// Reads the file and lists what it holds. The kind is told by the content.
/// Errors: those of onnx::read_model and checkpoint::read.
Result<Inspection> inspect(const std::filesystem::path& file);

/// Draws the graph of an .onnx file as SVG. Errors: as above, kUnsupported for a checkpoint.
Result<std::string> draw(const std::filesystem::path& file);

}  // namespace wakebuilder::pipeline
