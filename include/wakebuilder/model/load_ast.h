// The Audio Spectrogram Transformer from a checkpoint.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "wakebuilder/core/result.h"
#include "wakebuilder/model/ast.h"
#include "wakebuilder/model/classifier.h"

namespace wakebuilder::model {

/// A backbone with its classifier: what hears the wake word in features.
struct AstClassifier : Settings {
  AstConfig config;
  Ast<Parameter> backbone;
  std::variant<Classifier, AstClassification<Parameter>> head;  ///< WakeBuilder's, transformers'
  /// Features are (log mel - mean) / (2 std); nothing where no file says it.
  std::optional<double> feature_mean, feature_std;

  /// Number of weights.
  std::size_t parameters() const;
};

/// Reads config.json. Errors: kCorrupt for what is no JSON object, kMismatch for fields that are no
/// positive integers, kUnsupported for another model_type, activation or patch.
Result<AstConfig> parse_ast_config(std::string_view json);

/// A backbone and what came with it.
struct LoadedAst {
  AstConfig config;
  Ast<Parameter> backbone;
  NamedTensors others;  ///< tensors of a classifier, `classifier.` in front
};

/// True when the tensors hold an AST, alone or with a classifier.
bool holds_ast(const NamedTensors& tensors);

/// Finds the backbone in a state dict. All spellings of its names are understood: transformers' in
/// files (`encoder.layer.0...`) and in memory from 5.9 on (`layers.0...`), the original's
/// (`v.blocks.0...`, with query, key and value in one tensor), behind the prefixes
/// `audio_spectrogram_transformer.`, `base_model.`, `module.`.
///
/// @param config  of config.json; nothing: inferred from the shapes, with heads of 64 and strides
///                of 10
/// Where no layer has a bias of query, key and value (qkv_bias false) they are zero. Errors:
/// kMismatch when tensors are missing, superfluous (all are listed, up to five), or of another
/// shape than the config says; kCorrupt for one that is there in two spellings; kUnsupported,
/// kCorrupt as load_classifier.
Result<LoadedAst> load_ast(const NamedTensors& tensors, const std::optional<AstConfig>& config);

/// The whole model of one checkpoint: backbone and WakeBuilder's classifier, or transformers' with
/// two labels. Errors: as load_ast and load_classifier; kMismatch for a backbone alone, another
/// number of labels, and a classifier of another width.
Result<AstClassifier> load_ast_classifier(const NamedTensors& tensors, const core::Value& metadata,
                                          const std::optional<AstConfig>& config);

/// A backbone from one checkpoint with a classifier from another. Errors: kMismatch when the widths
/// differ.
Result<AstClassifier> join(LoadedAst base, Classifier classifier);

}  // namespace wakebuilder::model
