// Reports as text for people.
#pragma once

#include <string>
#include <vector>

#include "wakebuilder/pipeline/backbone.h"
#include "wakebuilder/pipeline/bench.h"
#include "wakebuilder/pipeline/convert.h"
#include "wakebuilder/pipeline/evaluate.h"
#include "wakebuilder/pipeline/export.h"
#include "wakebuilder/pipeline/features.h"
#include "wakebuilder/pipeline/inspect.h"
#include "wakebuilder/pipeline/providers.h"
#include "wakebuilder/pipeline/registry.h"
#include "wakebuilder/pipeline/train.h"
#include "wakebuilder/pipeline/validate.h"

namespace wakebuilder::cli {

std::string show(const pipeline::ExportReport& report);
std::string show(const pipeline::ValidateReport& report, const std::string& model);
std::string show(const pipeline::Inspection& inspection, const std::string& file, bool with_graph);
std::string show(const pipeline::ConvertReport& report);
std::string show(const pipeline::BackboneReport& report);
std::string show(const pipeline::BenchReport& report);
std::string show(const pipeline::EvaluateReport& report);
std::string show(const pipeline::FeaturesReport& report);
std::string show(const std::vector<pipeline::RegistrySummary>& models, const std::string& registry);
std::string show(const pipeline::ProvidersReport& report);
std::string show(const pipeline::TrainReport& report);
std::string show(const pipeline::PreviewReport& report);

}  // namespace wakebuilder::cli
