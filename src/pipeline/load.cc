#include "wakebuilder/pipeline/load.h"

#include <future>

#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/sha256.h"

namespace wakebuilder::pipeline {
namespace {

Result<model::Classifier> build(const checkpoint::Checkpoint& file) {
  WAKEBUILDER_TRY(const auto state, checkpoint::find_state_dict(file));
  return model::load_classifier(state.tensors, state.metadata);
}

}  // namespace

Result<LoadedClassifier> load_classifier(const std::filesystem::path& checkpoint) {
  WAKEBUILDER_TRY(const auto mapped, core::MappedFile::open(checkpoint));
  // Hashing takes as long as reading does, so the two go on beside each other.
  auto sha256 = std::async([&] { return core::sha256_hex(mapped->bytes()); });
  WAKEBUILDER_TRY(const auto file, checkpoint::read(mapped, checkpoint));
  auto classifier = build(file);
  if (!classifier) {
    return fail_in(core::shown(checkpoint), std::move(classifier).error());
  }
  if (!classifier->wake_word) classifier->wake_word = checkpoint.stem().string();
  return LoadedClassifier{
      .classifier = *std::move(classifier), .format = file.format, .sha256 = sha256.get()};
}

}  // namespace wakebuilder::pipeline
