// Exact folding: of the head for a sequence of length one, of batch norms.
#pragma once

#include "wakebuilder/model/compact.h"
#include "wakebuilder/model/head.h"

namespace wakebuilder::model {

/// Replaces what a single token makes superfluous. Computed in double, rounded to float32 once:
/// - attention: softmax over one key is 1, hence y = Wo (Wv x + bv) + bo, one matrix; queries and
/// keys are dead.
/// - Conv1d with kernel 3 and padding 1: only the middle tap W[:, :, 1] meets the token.
/// - GroupNorm with one group on length one is LayerNorm over the channels.
///
/// The logits are the same up to rounding (docs/architecture.md, "Exact folding"). Blocks that are
/// folded already stay as they are. With all blocks 6,435,650 parameters become 2,304,578.
/// @pre the weights have the shapes of `config`, else std::logic_error
Head<Parameter> fold(const Head<Parameter>& head, const HeadConfig& config);

/// Folds the batch norms of the compact network: into the convolution before them, and the one at
/// the input, with masked tokens behind it, into a scale and a shift. Computed in double, rounded
/// once. What is folded already stays as it is.
Compact<Parameter> fold(const Compact<Parameter>& compact);

/// The scale and shift that a batch norm is: weight / sqrt(variance + epsilon), and bias - mean ·
/// scale. @pre four tensors of one length
Norm<Parameter> fold(const BatchNorm<Parameter>& norm, double epsilon);

}  // namespace wakebuilder::model
