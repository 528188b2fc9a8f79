#include "wakebuilder/pipeline/load.h"

#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/core/sha256.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::pipeline {
namespace {

Result<model::Classifier> build(const checkpoint::Checkpoint& file) {
  WAKEBUILDER_TRY(const auto state, checkpoint::find_state_dict(file));
  return model::load_classifier(state.tensors, state.metadata);
}

}  // namespace

Result<LoadedClassifier> load_classifier(const std::filesystem::path& checkpoint) {
  WAKEBUILDER_TRY(const auto file, checkpoint::read(checkpoint));
  auto classifier = build(file);
  if (!classifier) {
    return fail_in(core::quote(checkpoint.string(), 400), std::move(classifier).error());
  }
  if (!classifier->wake_word) classifier->wake_word = checkpoint.stem().string();
  return LoadedClassifier{.classifier = *std::move(classifier),
                          .format = file.format,
                          .sha256 = core::sha256_hex(file.file->bytes())};
}

}  // namespace wakebuilder::pipeline
