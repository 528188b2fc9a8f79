// The scores of a trained network, and the network itself, calibrated on held-out speech.
#pragma once

#include "wakebuilder/model/calibration.h"
#include "wakebuilder/model/classifier.h"

#include "pipeline/held_out.h"

namespace wakebuilder::pipeline {

/// Fits held-out words against single words and the sections of the stream without it.
///
/// The training's loss has the hardest negatives alone, and nothing tells the network to be sure of
/// silence, which it scores at about a half.
model::Calibration calibrate(const HeldOutScores& scores);

/// What the calibrated network would have scored.
HeldOutScores calibrated(HeldOutScores scores, const model::Calibration& calibration);

/// The network with its last layer changed so. The smoothing of a detector is a mean of logit
/// differences, so it comes to the same.
/// @pre a layer `*classifier.N` has two outputs, else std::logic_error
model::NamedTensors calibrated(model::NamedTensors tensors, const model::Calibration& calibration);

}  // namespace wakebuilder::pipeline
