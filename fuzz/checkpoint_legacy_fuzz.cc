// Fuzzes the readers of old PyTorch files (tar archives of 0.1; five pickles, then storages) up to
// the state dict, and the writers with what they read.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"

#include "checkpoint/pytorch_legacy.h"
#include "checkpoint/pytorch_tar.h"
#include "checkpoint/sniff.h"
#include "round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wakebuilder;
  const auto bytes = std::make_shared<const std::vector<std::uint8_t>>(data, data + size);
  const auto span = std::as_bytes(std::span(*bytes));
  const bool is_tar = checkpoint::sniff(span) == checkpoint::Content::kTar;
  auto root = is_tar ? checkpoint::read_pytorch_tar(span, bytes)
                     : checkpoint::read_pytorch_legacy(span, bytes);
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
