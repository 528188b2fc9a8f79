// Proof: does the exported model compute what the checkpoint means?
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/model/classifier.h"
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

/// Rows to compare on, [7, embedding_dim]: standard normal numbers as they are, narrower and
/// shifted, wider, ×30 and ×0.001 (where the epsilon of the norms shows), zeros, and a constant.
/// The same on every machine.
core::Tensor test_embeddings(std::int64_t embedding_dim);

/// What the reference interpreter makes of test_embeddings(): logits [7, 2], in double.
model::Array reference_logits(const model::Classifier& classifier);

/// Runs the session on test_embeddings() in batches of 1, 2 and 7 and compares the logits with
/// `reference`, which reference_logits() gave for the same classifier. Errors: kMismatch when the
/// model does not take `embeddings` of the classifier's width to `logits`; those of
/// runtime::Session::run.
Result<Validation> compare(runtime::Session& session, const model::Classifier& classifier,
                           const model::Array& reference, double atol);

/// The same, and computes the reference.
Result<Validation> compare(runtime::Session& session, const model::Classifier& classifier,
                           double atol);

/// Finds where a failed comparison begins: runs `proto` with the outputs of its layers exposed,
/// compares them with the reference interpreter's and fills `layers` and `first_layer`.
Result<void> find_first_layer(const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                              const onnx::ModelProto& proto, const model::Classifier& classifier,
                              Validation& validation);

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
