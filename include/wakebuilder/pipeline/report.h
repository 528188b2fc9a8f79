// Reports as values: what `--json` prints and the server answers (docs/architecture.md, contracts).
#pragma once

#include "wakebuilder/core/value.h"
#include "wakebuilder/pipeline/backbone.h"
#include "wakebuilder/pipeline/bench.h"
#include "wakebuilder/pipeline/convert.h"
#include "wakebuilder/pipeline/detect.h"
#include "wakebuilder/pipeline/evaluate.h"
#include "wakebuilder/pipeline/export.h"
#include "wakebuilder/pipeline/features.h"
#include "wakebuilder/pipeline/inspect.h"
#include "wakebuilder/pipeline/providers.h"
#include "wakebuilder/pipeline/registry.h"
#include "wakebuilder/pipeline/train.h"
#include "wakebuilder/pipeline/validate.h"

namespace wakebuilder::pipeline {

core::Value to_value(const Validation& validation);
core::Value to_value(const std::vector<core::Finding>& findings);
core::Value to_value(const ExportReport& report);
core::Value to_value(const ValidateReport& report);
core::Value to_value(const Inspection& inspection);
core::Value to_value(const ConvertReport& report);
core::Value to_value(const BackboneReport& report);
core::Value to_value(const FeaturesReport& report);
core::Value to_value(const std::vector<RegistrySummary>& models);
core::Value to_value(const runtime::Detection& detection);
core::Value to_value(const DetectReport& report);
core::Value to_value(const BenchReport& report);
core::Value to_value(const EvaluateReport& report);
core::Value to_value(const ProvidersReport& report);
core::Value to_value(const TrainReport& report);
core::Value to_value(const PreviewReport& report);

}  // namespace wakebuilder::pipeline
