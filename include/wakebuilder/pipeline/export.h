// The export transaction: checkpoint in, checked ONNX model out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "wakebuilder/core/finding.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/onnx/emitter.h"
#include "wakebuilder/pipeline/compare.h"
#include "wakebuilder/pipeline/load.h"

namespace wakebuilder::pipeline {

struct ExportOptions {
  std::int64_t opset = onnx::kDefaultOpset;  ///< 13 to 21
  std::string graph{};                       ///< as LoadOptions::graph
  std::filesystem::path base{};              ///< as LoadOptions::base
  model::GraphOptions variant{};             ///< features or waveform in, whole windows or a stream
  bool fold = true;                          ///< replace what model/fold.h can replace
  /// Allowed |logit - reference| / max(1, |reference|). Nothing: default_atol().
  std::optional<double> atol{};
  std::string
      external_data{};  ///< name of a file beside the model for its weights; "" keeps them inside
  bool force =
      false;  ///< overwrite an output that is no ONNX model, or an existing external data file
  std::filesystem::path onnxruntime{};  ///< library to prove with; see runtime::OnnxRuntime::load
};

/// 1e-5; 1e-4 for the graph ast, with its hundreds of additions one after the other, and for graphs
/// that take a waveform.
double default_atol(const model::Network& network, const model::GraphOptions& variant);

/// What an export made, and the proof.
struct ExportReport {
  std::filesystem::path output;
  std::filesystem::path external_data;  ///< "" when the weights are inside
  std::string graph;
  model::GraphOptions variant;  ///< with `frames` filled in
  std::int64_t opset = 0;
  std::uint64_t bytes = 0;  ///< of the model and its external data
  bool folded = false;
  std::string sha256;  ///< of the .onnx file
  std::string checkpoint_sha256;
  std::string remark;          ///< what else could be exported, and how; "" when there is nothing
  std::size_t parameters = 0;  ///< weights in the file
  std::size_t nodes = 0;
  std::vector<std::string>
      judges;  ///< who checked: "structure", "ONNX checker 1.12", "ONNX Runtime 1.30.0"
  std::vector<core::Finding> findings;  ///< remarks that are no errors
  Validation validation;
  double seconds = 0;
};

/// Reads the checkpoint, folds, emits, checks, compares with the reference and only then puts the
/// file in place.
///
/// Whatever happens, a kill -9 included, an older `output` stays whole until the new one takes its
/// place in one step, and the checkpoint is never written. The same input and options give the same
/// bytes. Errors: as load_network; kInvalidArgument for options out of range or an output that
/// is the checkpoint; kCheckFailed when the checker or the comparison says no (names the first
/// layer that differs); kIo; kUnavailable without ONNX Runtime.
Result<ExportReport> export_onnx(const std::filesystem::path& checkpoint,
                                 const std::filesystem::path& output,
                                 const ExportOptions& options = {});

/// The model that export_onnx writes, without files and without the proof: for programs that want
/// to look at it.
/// Errors: kInvalidArgument for options that the network has no graph for.
Result<onnx::ModelProto> build_model(const LoadedNetwork& loaded, const ExportOptions& options);

}  // namespace wakebuilder::pipeline
