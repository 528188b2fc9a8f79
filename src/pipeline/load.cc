#include "wakebuilder/pipeline/load.h"

#include <future>

#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/sha256.h"

namespace wakebuilder::pipeline {
namespace {

Result<model::Network> build(const checkpoint::Checkpoint& file) {
  WAKEBUILDER_TRY(const auto state, checkpoint::find_state_dict(file));
  return model::load_network(state.tensors, state.metadata);
}

model::Settings& settings_of(model::Network& network) {
  return std::visit([](auto& known) -> model::Settings& { return known; }, network);
}

}  // namespace

Result<LoadedNetwork> load_network(const std::filesystem::path& checkpoint) {
  WAKEBUILDER_TRY(const auto mapped, core::MappedFile::open(checkpoint));
  // Hashing takes as long as reading does, so the two go on beside each other.
  auto sha256 = std::async([&] { return core::sha256_hex(mapped->bytes()); });
  WAKEBUILDER_TRY(const auto file, checkpoint::read(mapped, checkpoint));
  auto network = build(file);
  if (!network) return fail_in(core::shown(checkpoint), std::move(network).error());
  model::Settings& settings = settings_of(*network);
  if (!settings.wake_word) settings.wake_word = checkpoint.stem().string();
  return LoadedNetwork{
      .network = *std::move(network), .format = file.format, .sha256 = sha256.get()};
}

}  // namespace wakebuilder::pipeline
