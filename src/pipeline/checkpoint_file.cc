#include "pipeline/checkpoint_file.h"

#include <future>
#include <utility>

#include "wakebuilder/core/sha256.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::pipeline {

Result<CheckpointFile> read_checkpoint_file(const std::filesystem::path& path) {
  WAKEBUILDER_TRY(const auto mapped, core::MappedFile::open(path));
  // Hashing takes as long as reading does, so the two go on beside each other.
  auto sha256 = std::async([&] { return core::sha256_hex(mapped->bytes()); });
  WAKEBUILDER_TRY(const auto file, checkpoint::read(mapped, path));
  auto state = checkpoint::find_state_dict(file);
  if (!state) return fail_in(core::shown(path), std::move(state).error());
  return CheckpointFile{
      .state = *std::move(state), .format = file.format, .sha256 = sha256.get(), .mapped = mapped};
}

}  // namespace wakebuilder::pipeline
