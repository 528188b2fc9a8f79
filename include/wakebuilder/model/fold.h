// Exact folding of the head for a sequence of length one.
#pragma once

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

}  // namespace wakebuilder::model
