#include "checkpoint/pytorch_zip.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wakebuilder/core/text.h"

#include "checkpoint/copy_budget.h"
#include "checkpoint/limits.h"
#include "checkpoint/tensor_reader.h"
#include "checkpoint/unpickler.h"
#include "checkpoint/value_tree.h"
#include "checkpoint/zip_archive.h"

namespace wakebuilder::checkpoint {
namespace {

using Span = std::span<const std::byte>;

tl::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message));
}

std::string in_record(std::string_view name) { return "record " + core::quote(name); }

/// Contents of records, checked and kept alive.
class RecordReader {
 public:
  RecordReader(ZipArchive archive, std::shared_ptr<const void> owner, bool verify_crc)
      : archive_(std::move(archive)), owner_(std::move(owner)), verify_crc_(verify_crc) {}

  const ZipArchive& archive() const { return archive_; }

  Result<StorageBytes> read(const ZipRecord& record, CopyBudget& budget) const {
    StorageBytes content{.bytes = record.packed, .owner = owner_};
    if (record.deflated) {
      if (auto allowed = budget.take(record.size); !allowed) {
        return fail_in(in_record(record.name), std::move(allowed).error());
      }
      WAKEBUILDER_TRY(auto inflated, inflate_record(record));
      const auto kept = std::make_shared<const std::vector<std::byte>>(std::move(inflated));
      content = {.bytes = *kept, .owner = kept};
    }
    if (verify_crc_ && !crc_matches(record, content.bytes)) {
      return corrupt(in_record(record.name) + ": its CRC does not match: the file is damaged");
    }
    return content;
  }

 private:
  ZipArchive archive_;
  std::shared_ptr<const void> owner_;
  bool verify_crc_;
};

std::string_view text_of(Span bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The one folder that holds data.pkl, and everything else.
Result<std::string> find_root(const ZipArchive& archive) {
  std::optional<std::string> root;
  for (const ZipRecord& record : archive.records()) {
    const auto slash = record.name.find('/');
    if (slash == std::string::npos || record.name.substr(slash) != "/data.pkl") continue;
    if (root)
      return corrupt("the zip has two objects: " + core::quote(*root) + "/data.pkl and " +
                     core::quote(record.name));
    root = record.name.substr(0, slash);
  }
  if (!root) {
    return fail(ErrorCode::kUnsupported,
                "a zip archive without data.pkl, so no PyTorch checkpoint; expected a file that "
                "torch.save wrote");
  }
  for (const ZipRecord& record : archive.records()) {
    if (record.name.starts_with(*root + "/")) continue;
    return corrupt(in_record(record.name) + ": it lies outside of the folder " +
                   core::quote(*root) + " that holds data.pkl");
  }
  return *std::move(root);
}

/// TorchScript keeps its program beside the pickle.
Result<void> refuse_torchscript(const ZipArchive& archive, const std::string& root) {
  for (const ZipRecord& record : archive.records()) {
    if (record.name != root + "/constants.pkl" && !record.name.starts_with(root + "/code/"))
      continue;
    return fail(ErrorCode::kUnsupported,
                "a TorchScript program, not a checkpoint; save the weights: "
                "torch.save(model.state_dict(), path)");
  }
  return {};
}

/// The text of a small record that may be missing.
Result<std::optional<std::string>> read_note(const RecordReader& reader, const std::string& name,
                                             CopyBudget& budget) {
  constexpr std::uint64_t kMaxNoteBytes = 64;
  const ZipRecord* record = reader.archive().find(name);
  if (record == nullptr) return std::optional<std::string>();
  if (record->size > kMaxNoteBytes) return corrupt(in_record(name) + ": it is too long");
  WAKEBUILDER_TRY(const StorageBytes content, reader.read(*record, budget));
  return std::optional(std::string(text_of(content.bytes)));
}

Result<void> check_version(const RecordReader& reader, const std::string& root,
                           CopyBudget& budget) {
  WAKEBUILDER_TRY(auto version, read_note(reader, root + "/version", budget));
  if (!version) return {};
  std::string_view text = *version;
  if (text.ends_with('\n')) text.remove_suffix(1);
  int number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr int kNewest = 10;  // torch 2.15 reads 1 to 10
  if (end.ec == std::errc() && end.ptr == text.data() + text.size() && number >= 1 &&
      number <= kNewest)
    return {};
  return fail(ErrorCode::kUnsupported, in_record(root + "/version") + ": format version \"" +
                                           core::quote(text) + "\" is not known, expected 1 to " +
                                           std::to_string(kNewest));
}

Result<bool> is_big_endian(const RecordReader& reader, const std::string& root,
                           CopyBudget& budget) {
  WAKEBUILDER_TRY(const auto order, read_note(reader, root + "/byteorder", budget));
  if (!order || *order == "little") return false;
  if (*order == "big") return true;
  return corrupt(in_record(root + "/byteorder") + ": expected little or big, found \"" +
                 core::quote(*order) + "\"");
}

Result<StorageBytes> read_storage(const RecordReader& reader, const std::string& root,
                                  const Storage& storage, CopyBudget& budget) {
  const std::string name = root + "/data/" + storage.key;
  const ZipRecord* record = reader.archive().find(name);
  if (record == nullptr)
    return corrupt(in_record(name) + ": it is missing, yet the pickle uses storage \"" +
                   storage.key + "\"");
  const std::uint64_t expected = storage.numel * storage.type.item_size;
  if (record->size != expected) {
    return corrupt(in_record(name) + ": expected " + std::to_string(expected) + " bytes for " +
                   std::to_string(storage.numel) + " elements of " +
                   std::string(storage.type.name) + ", found " + std::to_string(record->size));
  }
  return reader.read(*record, budget);
}

Result<PickleGraph> read_pickle(Span bytes) {
  Unpickler unpickler(bytes, PersistentIds::kZip);
  WAKEBUILDER_TRY(PickleGraph graph, unpickler.run());
  if (unpickler.consumed() == bytes.size()) return graph;
  return corrupt("byte " + std::to_string(unpickler.consumed()) + ": " +
                 std::to_string(bytes.size() - unpickler.consumed()) +
                 " bytes follow the pickle's end");
}

}  // namespace

Result<core::Value> read_pytorch_zip(std::span<const std::byte> bytes,
                                     const std::shared_ptr<const void>& owner,
                                     const ZipReadOptions& options) {
  WAKEBUILDER_TRY(ZipArchive archive, ZipArchive::open(bytes));
  WAKEBUILDER_TRY(const std::string root, find_root(archive));
  WAKEBUILDER_CHECK(refuse_torchscript(archive, root));
  const RecordReader reader(std::move(archive), owner, options.verify_crc);
  CopyBudget budget(bytes.size());
  WAKEBUILDER_CHECK(check_version(reader, root, budget));
  WAKEBUILDER_TRY(const bool big_endian, is_big_endian(reader, root, budget));

  const std::string name = root + "/data.pkl";
  const ZipRecord& record = *reader.archive().find(name);
  if (record.size > kMaxPickleBytes) {
    return corrupt(in_record(name) + ": " + std::to_string(record.size) + " bytes, more than " +
                   std::to_string(kMaxPickleBytes));
  }
  WAKEBUILDER_TRY(const StorageBytes pickle, reader.read(record, budget));
  auto graph = read_pickle(pickle.bytes);
  if (!graph) return fail_in(in_record(name), std::move(graph).error());
  TensorReader tensors(
      *graph,
      [&](const Storage& storage, CopyBudget& copies) -> Result<StorageBytes> {
        WAKEBUILDER_TRY(StorageBytes content, read_storage(reader, root, storage, copies));
        content.big_endian = big_endian;
        return content;
      },
      budget);
  return value_tree(*graph, tensors);
}

}  // namespace wakebuilder::checkpoint
