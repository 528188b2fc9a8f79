// The matrix that makes the speech embedding's mel powers out of the AST's.
#pragma once

#include "wakebuilder/core/tensor.h"

namespace wakebuilder::model {

/// [128, 32] float32: powers of the AST's mel bins (samples of +-1, pre-emphasised) times this are
/// about those of the embedding's (16-bit samples, not pre-emphasised).
///
/// Column j is 32768^2 argmin_{a >= 0} |H a - w_j / e| with the AST's filters H [257, 128], the
/// embedding's filters w [257, 32], and e[k] = |1 - 0.97 exp(-2 pi i k / 512)|^2, which undoes the
/// pre-emphasis. The embedding's filters are Slaney's: 34 edges evenly from mel(60 Hz) to mel(3800
/// Hz), where mel is linear below 1 kHz, m = 3 f / 200, and above m = 15 + 27 ln(f / 1000) / ln
/// 6.4; triangles over Hz, times 2 / (right - left).
core::Tensor make_bridge();

}  // namespace wakebuilder::model
