// From a file to a classifier.
#pragma once

#include <filesystem>
#include <string>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/model/classifier.h"

namespace wakebuilder::pipeline {

/// A classifier and the file that it came from.
struct LoadedClassifier {
  model::Classifier classifier;
  checkpoint::Format format = checkpoint::Format::kPyTorchZip;
  std::string sha256;  ///< of the whole file
};

/// Reads a checkpoint, finds its state dict and builds the classifier; the weights stay mapped.
/// Errors: those of checkpoint::read, checkpoint::find_state_dict and model::load_classifier, with
/// the file's name in front.
Result<LoadedClassifier> load_classifier(const std::filesystem::path& checkpoint);

}  // namespace wakebuilder::pipeline
