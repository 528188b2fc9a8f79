#include "checkpoint/pytorch_writer.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wakebuilder/checkpoint/write.h"

#include "checkpoint/limits.h"
#include "checkpoint/pickle_writer.h"
#include "checkpoint/storage_plan.h"
#include "checkpoint/tensor_reader.h"
#include "checkpoint/unpickler.h"
#include "checkpoint/value_tree.h"

namespace wakebuilder::checkpoint {
namespace {

constexpr std::string_view kRoot = "archive/";

/// Runs what was written through the reader, so that no file is made that would be refused: limits,
/// keys that are no keys, integers without end.
Result<void> check_reads_back(const std::string& pickle, const StoragePlan& plan) {
  std::uint64_t total = 0;
  for (const StoragePlan::Storage& storage : plan.storages()) total += storage.bytes.size();
  Unpickler unpickler(std::as_bytes(std::span(pickle)), PersistentIds::kZip);
  WAKEBUILDER_TRY(const PickleGraph graph, unpickler.run());
  const StorageSource source = [&](const Storage& storage, CopyBudget&) -> Result<StorageBytes> {
    return StorageBytes{.bytes = plan.storages()[std::stoul(storage.key)].bytes, .owner = nullptr};
  };
  TensorReader tensors(graph, source, CopyBudget(total));
  WAKEBUILDER_TRY(const core::Value tree, value_tree(graph, tensors));
  return {};
}

Result<std::string> checked_pickle(const core::Value& root, const StoragePlan& plan) {
  WAKEBUILDER_TRY(std::string pickle, write_pickle(root, plan));
  const auto checked =
      pickle.size() <= kMaxPickleBytes
          ? check_reads_back(pickle, plan)
          : Result<void>(fail(ErrorCode::kUnsupported,
                              "it is larger than " + std::to_string(kMaxPickleBytes) + " bytes"));
  if (checked) return pickle;
  return fail(ErrorCode::kUnsupported,
              "these values cannot be written to a PyTorch file that is read again: " +
                  checked.error().message);
}

Result<void> add_text(ZipWriter& zip, std::string_view name, std::string_view text) {
  return zip.add(std::string(kRoot) + std::string(name), std::as_bytes(std::span(text)));
}

}  // namespace

Result<void> write_pytorch_to(const ByteSink& sink, const core::Value& root) {
  const StoragePlan plan(root);
  WAKEBUILDER_TRY(const std::string pickle, checked_pickle(root, plan));
  ZipWriter zip(sink);
  WAKEBUILDER_CHECK(add_text(zip, "data.pkl", pickle));
  WAKEBUILDER_CHECK(add_text(zip, ".format_version", "1"));
  WAKEBUILDER_CHECK(add_text(zip, ".storage_alignment", "64"));
  WAKEBUILDER_CHECK(add_text(zip, "byteorder", "little"));
  for (std::size_t i = 0; i < plan.storages().size(); ++i) {
    const std::string name = std::string(kRoot) + "data/" + std::to_string(i);
    WAKEBUILDER_CHECK(zip.add(name, plan.storages()[i].bytes));
  }
  WAKEBUILDER_CHECK(add_text(zip, "version", "3\n"));
  return zip.finish();
}

Result<void> write_pytorch(core::StagedFile& file, const core::Value& root) {
  return write_pytorch_to([&](std::span<const std::byte> bytes) { return file.write(bytes); },
                          root);
}

}  // namespace wakebuilder::checkpoint
