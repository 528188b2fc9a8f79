// Fuzzes the reader of safetensors files, and the writers with what it reads.

#include "checkpoint/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"

#include "checkpoint/safetensors_tree.h"
#include "round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wakebuilder;
  using namespace wakebuilder::checkpoint;
  const auto bytes = std::make_shared<const std::vector<std::uint8_t>>(data, data + size);
  auto file = read_safetensors(std::as_bytes(std::span(*bytes)), bytes);
  if (!file) return 0;
  auto root = take_tree(*file);
  if (!root) return 0;
  check_round_trips(*root);
  const Checkpoint checkpoint{
      .format = Format::kSafetensors, .root = *std::move(root), .file = nullptr};
  static_cast<void>(find_state_dict(checkpoint));
  return 0;
}
