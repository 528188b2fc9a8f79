// What was read must survive being written and read again, in both formats.
#pragma once

#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "wakebuilder/checkpoint/checkpoint.h"

#include "checkpoint/pytorch_writer.h"
#include "checkpoint/safetensors_writer.h"

namespace wakebuilder::checkpoint {

/// Writes with `write(sink)`; an empty text where the tree has no form in this format.
template <class Write>
std::string written(Write&& write) {
  std::string bytes;
  const auto done = write([&](std::span<const std::byte> part) -> Result<void> {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
    return {};
  });
  return done ? bytes : std::string();
}

/// The tree as a PyTorch file, which is the same for the same tree.
inline std::string as_pytorch(const core::Value& root) {
  return written([&](const ByteSink& sink) { return write_pytorch_to(sink, root); });
}

/// Ends the process when a file of ours does not read back as the tree that it was written from.
inline void check_reads_back(const std::string& file, const std::string& expected) {
  const auto owner = std::make_shared<const std::string>(file);
  const auto again = read(std::as_bytes(std::span(*owner)), owner);
  if (!again || as_pytorch(again->root) != expected) std::abort();
}

inline void check_round_trips(const core::Value& root) {
  const std::string pytorch = as_pytorch(root);
  if (pytorch.empty()) return;
  check_reads_back(pytorch, pytorch);
  const std::string safetensors =
      written([&](const ByteSink& sink) { return write_safetensors_to(sink, root, core::Dict{}); });
  if (!safetensors.empty()) check_reads_back(safetensors, pytorch);
}

}  // namespace wakebuilder::checkpoint
