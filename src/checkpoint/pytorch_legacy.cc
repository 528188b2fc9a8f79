#include "checkpoint/pytorch_legacy.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "wakebuilder/core/byte_reader.h"
#include "wakebuilder/core/text.h"

#include "checkpoint/limits.h"
#include "checkpoint/tensor_reader.h"
#include "checkpoint/unpickler.h"
#include "checkpoint/value_tree.h"

namespace wakebuilder::checkpoint {
namespace {

using Span = std::span<const std::byte>;
using StorageData = std::unordered_map<std::string_view, Span>;

constexpr std::string_view kMagic = "119547037146038801333356";  // 0x1950a86a20f9469cfc6c
constexpr std::int64_t kProtocol = 1001;

tl::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message));
}

Result<void> check_magic(const PickleGraph& graph) {
  const Node& root = graph.nodes[graph.root];
  const auto* number = std::get_if<core::BigInteger>(&root);
  if (number != nullptr && number->digits == kMagic) return {};
  return fail(ErrorCode::kUnsupported, "a plain pickle (its object is of type " +
                                           std::string(type_name(root)) +
                                           ") without torch's magic number, so no state dict; "
                                           "expected a file that torch.save wrote");
}

Result<void> check_protocol(const PickleGraph& graph) {
  const auto* number = std::get_if<std::int64_t>(&graph.nodes[graph.root]);
  if (number != nullptr && *number == kProtocol) return {};
  return fail(ErrorCode::kUnsupported,
              "a legacy checkpoint of protocol " +
                  (number == nullptr ? "of no number" : std::to_string(*number)) +
                  ", expected 1001");
}

/// Reads the data of one storage: its count, which repeats what the object said, and the elements.
Result<Span> read_storage(core::ByteReader& file, const Storage& storage) {
  const std::string where =
      "storage \"" + storage.key + "\" at byte " + std::to_string(file.position());
  const auto count = file.number<std::int64_t>();
  if (!count) return corrupt(where + ": the file is truncated");
  if (*count < 0 || static_cast<std::uint64_t>(*count) != storage.numel) {
    return corrupt(where + ": it holds " + std::to_string(*count) + " elements, the pickle says " +
                   std::to_string(storage.numel));
  }
  const std::uint64_t size = storage.numel * storage.type.item_size;
  const auto data = file.bytes(size);
  if (data) return *data;
  return corrupt(where + ": the file is truncated: " + std::to_string(size) + " bytes are due, " +
                 std::to_string(file.remaining()) + " remain");
}

/// The storages in the order of the key list. Every listed one is used, every used one is listed.
Result<StorageData> read_storages(core::ByteReader& file, const PickleGraph& object,
                                  const PickleGraph& keys) {
  std::unordered_map<std::string_view, const Storage*> expected;
  for (const Storage& storage : object.storages) expected.emplace(storage.key, &storage);
  const auto* list = std::get_if<ListNode>(&keys.nodes[keys.root]);
  if (list == nullptr) return corrupt("the storage keys are no list");
  StorageData found;
  for (const NodeId id : list->items) {
    const auto* key = std::get_if<std::string_view>(&keys.nodes[id]);
    if (key == nullptr)
      return corrupt("a storage key is of type " + std::string(type_name(keys.nodes[id])));
    const auto storage = expected.find(*key);
    if (storage == expected.end())
      return corrupt("no tensor uses the listed storage \"" + core::quote(*key) + "\"");
    if (found.contains(*key))
      return corrupt("storage \"" + core::quote(*key) + "\" is listed twice");
    WAKEBUILDER_TRY(const Span data, read_storage(file, *storage->second));
    found.emplace(storage->first, data);
  }
  for (const Storage& storage : object.storages) {
    if (!found.contains(storage.key))
      return corrupt("storage \"" + storage.key + "\" is used but has no data");
  }
  if (!file.at_end()) {
    return corrupt("byte " + std::to_string(file.position()) + ": " +
                   std::to_string(file.remaining()) + " bytes follow the last storage");
  }
  return found;
}

}  // namespace

Result<core::Value> read_pytorch_legacy(std::span<const std::byte> bytes,
                                        const std::shared_ptr<const void>& owner) {
  core::ByteReader file(bytes);
  WAKEBUILDER_TRY(const PickleGraph magic,
                  next_pickle(file, bytes, PersistentIds::kNone, "the first pickle"));
  WAKEBUILDER_CHECK(check_magic(magic));
  WAKEBUILDER_TRY(const PickleGraph protocol,
                  next_pickle(file, bytes, PersistentIds::kNone, "the protocol"));
  WAKEBUILDER_CHECK(check_protocol(protocol));
  WAKEBUILDER_TRY(const PickleGraph system,
                  next_pickle(file, bytes, PersistentIds::kNone, "the system information"));
  WAKEBUILDER_TRY(const PickleGraph object,
                  next_pickle(file, bytes, PersistentIds::kLegacy, "the object"));
  WAKEBUILDER_TRY(const PickleGraph keys,
                  next_pickle(file, bytes, PersistentIds::kNone, "the storage keys"));
  WAKEBUILDER_TRY(const StorageData data, read_storages(file, object, keys));
  TensorReader tensors(
      object,
      [&](const Storage& storage, CopyBudget&) -> Result<StorageBytes> {
        return StorageBytes{.bytes = data.at(storage.key), .owner = owner};
      },
      CopyBudget(bytes.size()));
  return value_tree(object, tensors);
}

}  // namespace wakebuilder::checkpoint
