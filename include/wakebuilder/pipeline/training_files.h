#pragma once
#include <string>

#include "wakebuilder/core/value.h"
#include "wakebuilder/pipeline/training_record.h"
namespace wakebuilder::pipeline {
core::Value to_metadata(const TrainingRecord& record);
core::Value to_history(const TrainingRecord& record);
std::string training_html(const TrainingRecord& record);
}  // namespace wakebuilder::pipeline
