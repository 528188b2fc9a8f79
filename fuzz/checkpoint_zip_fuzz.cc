// Fuzzes the reader of PyTorch zip files: archive, pickle, tensors, state dict.
//
// An input that begins with a PROTO opcode is the pickle alone; its storages are zeros. Everything
// else goes to the zip reader with the CRC check off, since no mutation would guess a CRC. The
// mutator mostly changes the content of a record and packs the archive again, so that its offsets
// and sizes stay right.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"

#include "checkpoint/pytorch_zip.h"
#include "checkpoint/tensor_reader.h"
#include "checkpoint/unpickler.h"
#include "checkpoint/value_tree.h"
#include "checkpoint/zip_archive.h"
#include "checkpoint/zip_writer.h"
#include "round_trip.h"

extern "C" [[gnu::weak]] std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size,
                                                      std::size_t max_size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed);

namespace {

using namespace wakebuilder;
using namespace wakebuilder::checkpoint;
using Span = std::span<const std::byte>;

Result<StorageBytes> zeros(const Storage& storage, CopyBudget& budget) {
  const std::uint64_t size = storage.numel * storage.type.item_size;
  WAKEBUILDER_CHECK(budget.take(size));
  auto bytes = std::make_shared<const std::vector<std::byte>>(static_cast<std::size_t>(size));
  return StorageBytes{.bytes = *bytes, .owner = bytes};
}

Result<core::Value> read_pickle(Span bytes) {
  Unpickler unpickler(bytes, PersistentIds::kZip);
  WAKEBUILDER_TRY(const PickleGraph graph, unpickler.run());
  TensorReader tensors(graph, zeros, CopyBudget(0));
  return value_tree(graph, tensors);
}

/// Changes one record of a valid archive. Gives an empty text when `input` is none.
std::string mutate_record(Span input, std::size_t max_size, unsigned int seed) {
  const auto archive = ZipArchive::open(input);
  if (!archive || archive->records().empty()) return {};
  // Half of the time the pickle, which is where most of the code is.
  const std::size_t chosen = (seed & 1U) != 0 ? 0 : (seed >> 8U) % archive->records().size();
  std::string output;
  ZipWriter writer([&](Span bytes) -> Result<void> {
    output.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  });
  for (std::size_t i = 0; i < archive->records().size(); ++i) {
    const ZipRecord& record = archive->records()[i];
    std::vector<std::uint8_t> content(record.packed.size() + (i == chosen ? 64 : 0));
    for (std::size_t at = 0; at < record.packed.size(); ++at) {
      content[at] = static_cast<std::uint8_t>(record.packed[at]);
    }
    if (i == chosen)
      content.resize(LLVMFuzzerMutate(content.data(), record.packed.size(), content.size()));
    if (!writer.add(record.name, std::as_bytes(std::span(content)))) return {};
  }
  if (!writer.finish() || output.size() > max_size) return {};
  return output;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of the exact size, aligned as a mapped file is.
  const auto bytes = std::make_shared<const std::vector<std::uint8_t>>(data, data + size);
  const Span input = std::as_bytes(std::span(*bytes));
  const bool is_pickle = size > 0 && data[0] == 0x80;
  auto root =
      is_pickle ? read_pickle(input) : read_pytorch_zip(input, bytes, {.verify_crc = false});
  if (!root) return 0;
  check_round_trips(*root);
  const Checkpoint checkpoint{
      .format = Format::kPyTorchZip, .root = *std::move(root), .file = nullptr};
  const auto state = find_state_dict(checkpoint);
  if (state) {
    for (const auto& item : state->tensors) static_cast<void>(core::to_float32(item.second));
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
  if (seed % 8 != 0) {
    const std::string changed =
        mutate_record(std::as_bytes(std::span(data, size)), max_size, seed >> 3U);
    if (!changed.empty()) {
      for (std::size_t i = 0; i < changed.size(); ++i)
        data[i] = static_cast<std::uint8_t>(changed[i]);
      return changed.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}
