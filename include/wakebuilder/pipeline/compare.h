// Proof: does the exported model compute what the checkpoint means?
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/model/network.h"
#include "wakebuilder/model/reference.h"
#include "wakebuilder/onnx/graph.h"
#include "wakebuilder/runtime/session.h"

namespace wakebuilder::pipeline {

/// How far two computations of the same numbers lie apart.
struct Difference {
  double max_abs_diff = 0;  ///< max |found - reference|
  double max_rel_diff = 0;  ///< max |found - reference| / (|reference| + 1e-7)
  double max_scaled_diff =
      0;  ///< max |found - reference| / max(1, |reference|): what `atol` bounds

  void include(double found, double reference);
};

/// The comparison of one run of the model.
struct BatchResult {
  std::size_t batch = 0;
  Difference difference;
  std::size_t decision_flips = 0;  ///< rows where only one of the two is at or above the threshold
};

/// A layer whose output differs.
struct LayerDifference {
  std::string layer;
  double max_abs_diff = 0;
};

/// The record of a comparison; `passed` when every logit of every batch is within atol · max(1,
/// |reference|).
struct Validation {
  bool passed = false;
  double max_abs_diff = 0;
  double max_rel_diff = 0;
  std::size_t decision_flips = 0;
  double atol = 1e-5;
  std::string reference;  ///< what the model was compared with
  std::vector<BatchResult> batches;
  std::vector<LayerDifference> layers;  ///< where layers were compared, in order of evaluation
  std::string first_layer;  ///< the first of them beyond the tolerance; "" when all are within
};

/// kInvalidArgument unless `atol` is a finite number from 0 on.
Result<void> check_atol(double atol);

/// The threshold of a network, or the default.
double threshold_of(const model::Network& network);

/// What a graph is compared on, and what it must give.
struct Trial {
  std::string input;    ///< "embeddings", "input_values", "waveform"
  core::Tensor rows;    ///< [rows, ...] float32; of a stream the frames or samples of several hops
  model::Array logits;  ///< [rows, 2] in double; of a stream [rows, scores, 2]
};

/// The rows to compare on, the same on every machine. Embeddings, 7 rows: standard normal numbers
/// as they are, narrower and shifted, wider, ×30 and ×0.001 (where the epsilon of the norms shows),
/// zeros, and a constant. Sound, and features of sound: a person who says "computer", at once,
/// late, quiet, in noise, noise alone, a chirp, digital silence; a stream has two rows of fourteen
/// hops.
core::Tensor test_rows(const model::Network& network, const model::GraphOptions& options);

/// test_rows(), and what the reference interpreter makes of them: the network as it was trained,
/// not folded, in double. For a stream it computes whole windows, one for each score.
Trial make_trial(const model::Network& network, const model::GraphOptions& options);

/// Runs the session on the rows in batches of 1, 2 and all, and compares the logits; a stream hop
/// by hop, with its states carried on. Errors: kMismatch when the model does not take the input of
/// the trial to `logits`; those of runtime::Session::run.
Result<Validation> compare(runtime::Session& session, const Trial& trial, double threshold,
                           double atol);

/// Finds where a failed comparison begins: runs `proto` with the outputs of its layers exposed,
/// compares them with the reference interpreter's and fills `layers` and `first_layer`. Does
/// nothing for streams.
Result<void> find_first_layer(const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                              const onnx::ModelProto& proto, const model::Network& network,
                              const model::GraphOptions& options, Validation& validation);

/// Compares with activations that PyTorch stored (docs/formats/activations.md): `embeddings` [rows,
/// D], `logits` or `logits_f64` [rows, 2], and where the file has them `after_input_norm`,
/// `after_attention`, `after_se`, `after_tcn`, `after_hidden_0`, ...; `proto` is the model of the
/// session. Errors: kMismatch when the file lacks these tensors or the model takes another width.
Result<Validation> compare_with_activations(
    const std::shared_ptr<const runtime::OnnxRuntime>& runtime, runtime::Session& session,
    const onnx::ModelProto& proto, const std::filesystem::path& activations, double threshold,
    double atol);

/// One sentence about a failed validation, with the numbers and the first layer that differs.
std::string describe_miss(const Validation& validation);

}  // namespace wakebuilder::pipeline
