// The drawings of a training's page, each an <svg> element for inside of it.
//
// They are narrow, so that they can be read on a phone. Their colours come from style_of(), once
// for all of them, in the page. A drawing of nothing is "".
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "wakebuilder/pipeline/training_record.h"

namespace wakebuilder::pipeline {

inline constexpr std::size_t kTrainingPlotSeries = 3;  ///< that style_of() must know

/// Loss of training and validation over steps.
std::string draw_losses(const std::vector<HistoryPoint>& history);

/// Recall, precision and F1 of the validation over steps.
std::string draw_validation(const std::vector<HistoryPoint>& history);

/// Misses over false accepts per hour, both logarithmic, with the chosen threshold. Rates that the
/// held-out hours are too few to tell are shaded.
std::string draw_tradeoff(const TrainingRecord& record);

/// How many words, and how many pieces of sound without them, have which score.
std::string draw_scores(const TrainingRecord& record);

}  // namespace wakebuilder::pipeline
