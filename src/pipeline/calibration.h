// Scores that mean what they say: from the difference of a trained network's logits to that of a
// probability.
#pragma once

#include "wakebuilder/model/classifier.h"

#include "pipeline/held_out.h"

namespace wakebuilder::pipeline {

/// Fits held-out words against single words and the sections of the stream without it, both
/// classes with the same weight (Platt 1999, "Probabilistic outputs for support vector machines";
/// Lin, Lin and Weng 2007, "A note on Platt's probabilistic outputs"). A network that knows nothing
/// stays as it is.
///
/// The training's loss has the hardest negatives alone, and nothing tells the network to be sure of
/// silence, which it scores at about a half.
Calibration calibrate(const HeldOutScores& scores);

/// What the calibrated network would have scored.
HeldOutScores calibrated(HeldOutScores scores, const Calibration& calibration);

/// The network with its last layer changed so. The smoothing of a detector is a mean of logit
/// differences, so it comes to the same.
/// @pre a layer `*classifier.N` has two outputs, else std::logic_error
model::NamedTensors calibrated(model::NamedTensors tensors, const Calibration& calibration);

}  // namespace wakebuilder::pipeline
