// What a training leaves for programs and for people (docs/formats/registry.md).
#pragma once

#include <string>

#include "wakebuilder/core/value.h"
#include "wakebuilder/pipeline/training_record.h"

namespace wakebuilder::pipeline {

/// The point of the analysis nearest to the chosen threshold; null where there is none.
const ThresholdPoint* chosen_point(const TrainingRecord& record);

/// The hours that false accepts per hour are of.
double told_hours(const TrainingRecord& record);

/// NAME.json: WakeBuilder's keys, those of its sources and of its documentation, then our own.
/// Where the two contradict each other the sources win: `threshold_analysis` is a list of points.
/// The metrics that depend on a threshold are those of the point nearest to the chosen one; without
/// points and without a history these are null. Numbers that are NaN or infinite are written as
/// null by core::to_json.
core::Value to_metadata(const TrainingRecord& record);

/// training_history.json: a list, an entry for each validation. `epoch` counts them from 1.
core::Value to_history(const TrainingRecord& record);

/// NAME.html: one page that says what the model hears, misses and confuses, with its curves.
///
/// It needs nothing but itself: no script, no network, drawings inside, for light and dark screens
/// and phones. It is well-formed XML too. All text is escaped, any bytes may be in it. Every part
/// of the record may be empty: what cannot be drawn is said. The same record gives the same bytes.
std::string training_html(const TrainingRecord& record);

}  // namespace wakebuilder::pipeline
