// Judges a model that is there already.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "wakebuilder/core/finding.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/pipeline/compare.h"

namespace wakebuilder::pipeline {

struct ValidateOptions {
  std::filesystem::path
      checkpoint{};  ///< compare with this checkpoint's reference; "" for the check alone
  std::filesystem::path base{};         ///< of a head: as LoadOptions::base
  std::filesystem::path activations{};  ///< compare with activations stored by PyTorch; "" for none
  std::optional<double> atol{};         ///< nothing: default_atol() of the graph
  std::filesystem::path onnxruntime{};
};

struct ValidateReport {
  bool valid = false;  ///< no finding is an error, and every comparison passed
  std::vector<core::Finding> findings;
  std::vector<std::string> judges;
  std::vector<Validation> validations;  ///< one for each comparison that was asked for
};

/// Checks a model of any maker: structure, the linked ONNX library where it knows the opset, ONNX
/// Runtime; then compares, if asked. What the judges say are findings, not errors. Errors: a file
/// that cannot be read or is no ONNX model at all; a checkpoint or activations that do not fit.
Result<ValidateReport> validate(const std::filesystem::path& model,
                                const ValidateOptions& options = {});

}  // namespace wakebuilder::pipeline
