#include "checkpoint/pytorch_tar.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "wakebuilder/core/byte_reader.h"
#include "wakebuilder/core/checked.h"
#include "wakebuilder/core/text.h"

#include "checkpoint/limits.h"
#include "checkpoint/pickle_calls.h"
#include "checkpoint/tensor_reader.h"
#include "checkpoint/unpickler.h"
#include "checkpoint/value_tree.h"

namespace wakebuilder::checkpoint {
namespace {

using Span = std::span<const std::byte>;

tl::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, "tar archive: " + std::move(message));
}

// ---- The archive (POSIX.1-2017, pax, "ustar Interchange Format") -------------------------------

constexpr std::size_t kBlock = 512;

std::string_view text_of(Span bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view up_to_zero(std::string_view text) { return text.substr(0, text.find('\0')); }

bool is_zero(Span bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

std::optional<std::uint64_t> octal(std::string_view field) {
  field = up_to_zero(field);
  field.remove_prefix(std::min(field.find_first_not_of(' '), field.size()));
  field = field.substr(0, field.find(' '));
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(field.data(), field.data() + field.size(), number, 8);
  if (field.empty() || parsed.ec != std::errc() || parsed.ptr != field.data() + field.size()) {
    return std::nullopt;
  }
  return number;
}

/// The sum of the bytes of a header, its own field taken as blanks.
std::uint64_t checksum(Span header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i) {
    sum += i >= 148 && i < 156 ? 0x20U : static_cast<std::uint64_t>(header[i]);
  }
  return sum;
}

using Members = std::map<std::string_view, Span, std::less<>>;

/// Reads one member; gives false at the end of the archive.
Result<bool> read_member(core::ByteReader& file, Members& members) {
  const std::string where = "byte " + std::to_string(file.position()) + ": ";
  const auto header = file.bytes(kBlock);
  if (!header) return corrupt(where + "the file is truncated");
  if (is_zero(*header)) return false;
  const std::string_view text = text_of(*header);
  if (octal(text.substr(148, 8)) != checksum(*header)) {
    return corrupt(where + "the checksum of a header does not match");
  }
  const auto size = octal(text.substr(124, 12));
  const auto data = size ? file.bytes(*size) : std::nullopt;
  if (!data || !file.bytes((kBlock - *size % kBlock) % kBlock)) {
    return corrupt(where + "the file is truncated");
  }
  const char type = text[156];
  if (type == 'x' || type == 'g') return true;  // attributes of the next member, of no use here
  const std::string_view name = up_to_zero(text.substr(0, 100));
  if (type != '0' && type != '\0') {
    return corrupt("member \"" + core::quote(name) + "\" is a folder, a link or a device");
  }
  if (!members.emplace(name, *data).second) {
    return corrupt("member \"" + core::quote(name) + "\" is there twice");
  }
  return true;
}

Result<Members> read_members(Span bytes) {
  core::ByteReader file(bytes);
  Members members;
  for (bool more = true; more;) {
    WAKEBUILDER_TRY(more, read_member(file, members));
    if (members.size() > kMaxZipRecords) return corrupt("it has too many members");
  }
  if (!is_zero(bytes.subspan(file.position()))) return corrupt("data follows its end");
  for (const std::string_view name : {"storages", "tensors", "pickle"}) {
    if (!members.contains(name)) {
      return fail(ErrorCode::kUnsupported, "a tar archive without a member \"" + std::string(name) +
                                               "\", so not one of PyTorch 0.1; unpack it first");
    }
  }
  return members;
}

// ---- Storages and tensors ----------------------------------------------------------------------

/// What the members `storages` and `tensors` describe.
struct Archive {
  PickleGraph graph;       ///< its storages and tensors
  std::vector<Span> data;  ///< of each storage
  std::map<std::int64_t, StorageNode> storages;
  StorageKeys tensors;
};

std::optional<std::int64_t> integer(const PickleGraph& graph, NodeId id) {
  const auto* number = std::get_if<std::int64_t>(&graph.nodes[id]);
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

/// The items of a tuple of this size, or null.
const std::vector<NodeId>* tuple_of(const PickleGraph& graph, NodeId id, std::size_t size) {
  const auto* tuple = std::get_if<TupleNode>(&graph.nodes[id]);
  return tuple != nullptr && tuple->items.size() == size ? &tuple->items : nullptr;
}

const Global* type_of(const PickleGraph& graph, NodeId id, GlobalKind kind) {
  const auto* global = std::get_if<const Global*>(&graph.nodes[id]);
  return global != nullptr && (*global)->kind == kind ? *global : nullptr;
}

Result<std::int64_t> read_count(core::ByteReader& file, Span bytes, std::string_view member) {
  WAKEBUILDER_TRY(const auto graph, next_pickle(file, bytes, PersistentIds::kTarEntry, member));
  const auto count = integer(graph, graph.root);
  if (count && *count >= 0) return *count;
  return corrupt(std::string(member) + ": it does not begin with a count");
}

Result<void> read_storage(core::ByteReader& file, Span bytes, Archive& archive) {
  WAKEBUILDER_TRY(const auto entry, next_pickle(file, bytes, PersistentIds::kTarEntry, "storages"));
  const auto* items = tuple_of(entry, entry.root, 3);
  const auto key = items != nullptr ? integer(entry, (*items)[0]) : std::nullopt;
  const Global* type =
      items != nullptr ? type_of(entry, (*items)[2], GlobalKind::kStorageType) : nullptr;
  if (!key || type == nullptr) return corrupt("storages: an entry is no (key, device, type)");
  const StorageType storage_kind = storage_type(*type);
  const std::string where = "storage " + std::to_string(*key) + ": ";
  if (!storage_kind.dtype) return corrupt(where + "its type has no elements of its own");
  const auto numel = file.number<std::int64_t>();
  const auto size = numel && *numel >= 0 ? core::checked_mul(static_cast<std::uint64_t>(*numel),
                                                             storage_kind.item_size)
                                         : std::nullopt;
  const auto data = size ? file.bytes(*size) : std::nullopt;
  if (!data) return corrupt(where + "its data is truncated");
  const StorageNode node{
      .storage = archive.data.size(), .first = 0, .numel = static_cast<std::uint64_t>(*numel)};
  if (!archive.storages.emplace(*key, node).second) return corrupt(where + "it is there twice");
  archive.graph.storages.push_back(
      {.key = std::to_string(archive.data.size()), .type = storage_kind, .numel = node.numel});
  archive.data.push_back(*data);
  return {};
}

/// (key of the view, key of its storage, first element, number of elements)
Result<void> add_view(const PickleGraph& views, NodeId id, Archive& archive) {
  const auto* items = tuple_of(views, id, 4);
  if (items == nullptr) return corrupt("storages: a view is no tuple of 4");
  const auto target = integer(views, (*items)[0]);
  const auto root = integer(views, (*items)[1]);
  const auto first = integer(views, (*items)[2]);
  const auto numel = integer(views, (*items)[3]);
  const auto found = root ? archive.storages.find(*root) : archive.storages.end();
  if (!target || !first || !numel || found == archive.storages.end()) {
    return corrupt("storages: a view of a storage that is not there");
  }
  StorageNode node = found->second;
  const bool inside =
      *first >= 0 && *numel >= 0 && static_cast<std::uint64_t>(*first) <= node.numel &&
      static_cast<std::uint64_t>(*numel) <= node.numel - static_cast<std::uint64_t>(*first);
  if (!inside) return corrupt("storages: a view reaches past the end of its storage");
  node.first += static_cast<std::uint64_t>(*first);
  node.numel = static_cast<std::uint64_t>(*numel);
  if (!archive.storages.emplace(*target, node).second)
    return corrupt("storages: a key is there twice");
  return {};
}

Result<void> read_storages(Span bytes, Archive& archive) {
  core::ByteReader file(bytes);
  WAKEBUILDER_TRY(const auto count, read_count(file, bytes, "storages"));
  for (std::int64_t i = 0; i < count; ++i) WAKEBUILDER_CHECK(read_storage(file, bytes, archive));
  WAKEBUILDER_TRY(const auto views, next_pickle(file, bytes, PersistentIds::kTarEntry, "storages"));
  const auto* list = std::get_if<ListNode>(&views.nodes[views.root]);
  if (list == nullptr || !file.at_end())
    return corrupt("storages: it does not end with a list of views");
  for (const NodeId id : list->items) WAKEBUILDER_CHECK(add_view(views, id, archive));
  return {};
}

/// `rank` numbers that are not negative.
std::optional<core::Shape> read_sizes(core::ByteReader& file, std::int32_t rank) {
  core::Shape sizes;
  for (std::int32_t i = 0; i < rank; ++i) {
    const auto size = file.number<std::int64_t>();
    if (!size || *size < 0) return std::nullopt;
    sizes.push_back(*size);
  }
  return sizes;
}

Result<TensorSpec> read_layout(core::ByteReader& file) {
  const auto rank = file.number<std::int32_t>();
  const auto unused = file.number<std::int32_t>();
  if (!rank || !unused || *rank < 0 || *rank > static_cast<std::int32_t>(kMaxTensorRank)) {
    return corrupt("tensors: expected a number of dimensions up to " +
                   std::to_string(kMaxTensorRank));
  }
  auto shape = read_sizes(file, *rank);
  auto strides = shape ? read_sizes(file, *rank) : std::nullopt;
  const auto offset = file.number<std::int64_t>();
  if (!strides || !offset || *offset < 0) {
    return corrupt("tensors: sizes, strides and offset are truncated or negative");
  }
  return TensorSpec{.offset = static_cast<std::uint64_t>(*offset),
                    .shape = *std::move(shape),
                    .strides = *std::move(strides)};
}

Result<void> read_tensor(core::ByteReader& file, Span bytes, Archive& archive) {
  WAKEBUILDER_TRY(const auto entry, next_pickle(file, bytes, PersistentIds::kTarEntry, "tensors"));
  const auto* items = tuple_of(entry, entry.root, 3);
  const auto key = items != nullptr ? integer(entry, (*items)[0]) : std::nullopt;
  const auto storage = items != nullptr ? integer(entry, (*items)[1]) : std::nullopt;
  const Global* type =
      items != nullptr ? type_of(entry, (*items)[2], GlobalKind::kTensorType) : nullptr;
  if (!key || !storage || type == nullptr)
    return corrupt("tensors: an entry is no (key, storage, type)");
  const auto part = archive.storages.find(*storage);
  const std::string where = "tensor " + std::to_string(*key);
  if (part == archive.storages.end()) return corrupt(where + ": its storage is not there");
  if (archive.graph.storages[part->second.storage].type.name !=
      storage_type_of_tensor(*type).name) {
    return corrupt(where + ": its type is not that of its storage");
  }
  WAKEBUILDER_TRY(auto spec, read_layout(file));
  auto index = add_tensor(archive.graph, part->second, std::move(spec));
  if (!index) return fail_in(where, std::move(index).error());
  if (!archive.tensors.emplace(std::to_string(*key), *index).second) {
    return corrupt(where + ": it is there twice");
  }
  return {};
}

Result<void> read_tensors(Span bytes, Archive& archive) {
  core::ByteReader file(bytes);
  WAKEBUILDER_TRY(const auto count, read_count(file, bytes, "tensors"));
  for (std::int64_t i = 0; i < count; ++i) WAKEBUILDER_CHECK(read_tensor(file, bytes, archive));
  if (!file.at_end()) return corrupt("tensors: data follows the last tensor");
  return {};
}

}  // namespace

Result<core::Value> read_pytorch_tar(std::span<const std::byte> bytes,
                                     const std::shared_ptr<const void>& owner) {
  WAKEBUILDER_TRY(const Members members, read_members(bytes));
  Archive archive;
  WAKEBUILDER_CHECK(read_storages(members.at("storages"), archive));
  WAKEBUILDER_CHECK(read_tensors(members.at("tensors"), archive));
  const Span pickle = members.at("pickle");
  if (pickle.size() > kMaxPickleBytes) return corrupt("its pickle is too long");
  Unpickler unpickler(pickle, std::move(archive.graph), std::move(archive.tensors));
  auto object = unpickler.run();
  if (!object) return fail_in("tar archive: pickle", std::move(object).error());
  if (unpickler.consumed() != pickle.size()) return corrupt("data follows the pickle");
  TensorReader tensors(
      *object,
      [&](const Storage& storage, CopyBudget&) -> Result<StorageBytes> {
        const auto index = static_cast<std::size_t>(std::stoull(storage.key));
        return StorageBytes{.bytes = archive.data.at(index), .owner = owner};
      },
      CopyBudget(bytes.size()));
  return value_tree(*object, tensors);
}

}  // namespace wakebuilder::checkpoint
