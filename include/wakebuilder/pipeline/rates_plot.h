// Draws how models trade misses for false accepts.
#pragma once

#include <string>

#include "wakebuilder/pipeline/evaluate.h"

namespace wakebuilder::pipeline {

/// An SVG document of its own: the miss rate over false accepts per hour (detection error
/// tradeoff), a curve for each model, with a marker at each wanted rate. Both axes are logarithmic;
/// rates outside 0.1 to 100 per hour and misses below 0.1 % are drawn at the border. Readable on
/// light and dark pages and without colours; names are escaped. The same data gives the same bytes.
std::string draw_rates(const EvaluateReport& report);

}  // namespace wakebuilder::pipeline
