// Fuzzes the reader of legacy PyTorch files (five pickles, then storages) up to the state dict, and
// the writers with what it reads.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"

#include "checkpoint/pytorch_legacy.h"
#include "round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wakebuilder;
  const auto bytes = std::make_shared<const std::vector<std::uint8_t>>(data, data + size);
  auto root = checkpoint::read_pytorch_legacy(std::as_bytes(std::span(*bytes)), bytes);
  if (!root) return 0;
  checkpoint::check_round_trips(*root);
  const checkpoint::Checkpoint found{
      .format = checkpoint::Format::kPyTorchLegacy, .root = *std::move(root), .file = nullptr};
  const auto state = checkpoint::find_state_dict(found);
  if (state) {
    for (const auto& item : state->tensors) static_cast<void>(core::to_float32(item.second));
  }
  return 0;
}
