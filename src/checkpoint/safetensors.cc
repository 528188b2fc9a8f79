#include "checkpoint/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/byte_reader.h"
#include "wakebuilder/core/checked.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

#include "checkpoint/copy_budget.h"
#include "checkpoint/json_size.h"
#include "checkpoint/limits.h"
#include "checkpoint/tensor_reader.h"

namespace wakebuilder::checkpoint {
namespace {

using core::DType;
using core::Value;
using Span = std::span<const std::byte>;

struct DTypeName {
  DType dtype;
  std::string_view name;
};

constexpr DTypeName kNames[] = {
    {DType::kFloat32, "F32"},
    {DType::kFloat64, "F64"},
    {DType::kFloat16, "F16"},
    {DType::kBFloat16, "BF16"},
    {DType::kFloat8E4M3Fn, "F8_E4M3"},
    {DType::kFloat8E5M2, "F8_E5M2"},
    {DType::kInt8, "I8"},
    {DType::kInt16, "I16"},
    {DType::kInt32, "I32"},
    {DType::kInt64, "I64"},
    {DType::kUInt8, "U8"},
    {DType::kUInt16, "U16"},
    {DType::kUInt32, "U32"},
    {DType::kUInt64, "U64"},
    {DType::kBool, "BOOL"},
    {DType::kComplex64, "C64"},
};

tl::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message));
}

tl::unexpected<Error> corrupt_tensor(std::string_view name, std::string_view message) {
  return corrupt("tensor " + core::quote(name) + ": " + std::string(message));
}

/// One entry of the header.
struct Entry {
  std::string name;
  DType dtype = DType::kFloat32;
  core::Shape shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Result<Value> read_header(core::ByteReader& reader) {
  const auto length = reader.number<std::uint64_t>();
  if (!length) return corrupt("safetensors: the file ends within the header's length");
  if (*length > kMaxSafetensorsHeaderBytes || *length > reader.remaining()) {
    return corrupt("safetensors: a header of " + std::to_string(*length) + " bytes, where " +
                   std::to_string(reader.remaining()) + " remain");
  }
  const std::string_view text = *reader.text(*length);
  if (!text.starts_with('{')) return corrupt("safetensors: the header is no JSON object");
  WAKEBUILDER_CHECK(check_json_size(text));
  auto header = core::parse_json(text);
  if (!header) return fail_in("safetensors header", std::move(header).error());
  return header;
}

Result<core::Shape> read_shape(std::string_view name, const Value* value) {
  const auto* list = value != nullptr ? value->get_if<core::List>() : nullptr;
  if (list == nullptr) return corrupt_tensor(name, "its shape is no list");
  if (list->size() > kMaxTensorRank) return corrupt_tensor(name, "it has too many dimensions");
  core::Shape shape;
  for (const Value& item : *list) {
    const auto* size = item.get_if<std::int64_t>();
    if (size == nullptr || *size < 0)
      return corrupt_tensor(name, "its shape holds something else than sizes");
    shape.push_back(*size);
  }
  return shape;
}

Result<DType> read_dtype(std::string_view name, const Value* value) {
  const auto* text = value != nullptr ? value->get_if<std::string>() : nullptr;
  if (text == nullptr) return corrupt_tensor(name, "it has no dtype");
  const auto* const found =
      std::find_if(std::begin(kNames), std::end(kNames),
                   [&](const DTypeName& known) { return known.name == *text; });
  if (found != std::end(kNames)) return found->dtype;
  return fail(ErrorCode::kUnsupported, "tensor " + core::quote(name) + ": its element type \"" +
                                           core::quote(*text) + "\" is not read");
}

Result<void> read_offsets(Entry& entry, const Value* value) {
  const auto* list = value != nullptr ? value->get_if<core::List>() : nullptr;
  const auto* begin =
      list != nullptr && list->size() == 2 ? (*list)[0].get_if<std::int64_t>() : nullptr;
  const auto* end = begin != nullptr ? (*list)[1].get_if<std::int64_t>() : nullptr;
  if (end == nullptr || *begin < 0 || *end < *begin) {
    return corrupt_tensor(entry.name, "its data_offsets are not two numbers in order");
  }
  entry.begin = static_cast<std::uint64_t>(*begin);
  entry.end = static_cast<std::uint64_t>(*end);
  return {};
}

Result<Entry> read_entry(std::string name, const Value& value) {
  const auto* fields = value.get_if<core::Dict>();
  if (fields == nullptr || fields->size() != 3) {
    return corrupt_tensor(name, "expected dtype, shape and data_offsets");
  }
  Entry entry;
  entry.name = std::move(name);
  WAKEBUILDER_TRY(entry.dtype, read_dtype(entry.name, value.find("dtype")));
  WAKEBUILDER_TRY(entry.shape, read_shape(entry.name, value.find("shape")));
  WAKEBUILDER_CHECK(read_offsets(entry, value.find("data_offsets")));
  const auto count = core::element_count(entry.shape);
  const auto size = count ? core::checked_mul(*count, core::item_size(entry.dtype)) : std::nullopt;
  if (size == entry.end - entry.begin) return entry;
  return corrupt_tensor(entry.name,
                        "shape " + core::to_string(entry.shape) + " of " +
                            std::string(core::to_string(entry.dtype)) + " does not take the " +
                            std::to_string(entry.end - entry.begin) + " bytes of its data_offsets");
}

Result<Value> read_metadata(const Value& value) {
  const auto* entries = value.get_if<core::Dict>();
  if (entries == nullptr) return corrupt("safetensors: __metadata__ is no object");
  for (const auto& [key, text] : *entries) {
    if (text.get_if<std::string>() == nullptr) {
      return corrupt("safetensors: __metadata__ holds something else than text");
    }
  }
  return value;
}

/// The tensors fill the data without holes and overlaps.
Result<void> check_coverage(const std::vector<Entry>& entries, std::uint64_t size) {
  std::vector<const Entry*> by_offset;
  by_offset.reserve(entries.size());
  for (const Entry& entry : entries) by_offset.push_back(&entry);
  std::sort(by_offset.begin(), by_offset.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::uint64_t covered = 0;
  for (const Entry* entry : by_offset) {
    if (entry->end > size) {
      return corrupt_tensor(entry->name, "its data ends at " + std::to_string(entry->end) +
                                             ", the file at " + std::to_string(size) +
                                             ": truncated");
    }
    if (entry->begin != covered) {
      return corrupt_tensor(entry->name, "its data begins at " + std::to_string(entry->begin) +
                                             ", where that before ends at " +
                                             std::to_string(covered));
    }
    covered = entry->end;
  }
  if (covered == size) return {};
  return corrupt("safetensors: " + std::to_string(size - covered) + " bytes belong to no tensor");
}

Result<core::Tensor> make_tensor(Entry& entry, Span data, const std::shared_ptr<const void>& owner,
                                 CopyBudget& budget) {
  const Span part = data.subspan(static_cast<std::size_t>(entry.begin),
                                 static_cast<std::size_t>(entry.end - entry.begin));
  if (is_aligned(part, entry.dtype)) {
    return core::Tensor::view(entry.dtype, std::move(entry.shape), part, owner);
  }
  WAKEBUILDER_CHECK(budget.take(part.size()));
  return core::Tensor::from_bytes(entry.dtype, std::move(entry.shape), {part.begin(), part.end()});
}

}  // namespace

std::string_view safetensors_name(core::DType dtype) {
  const auto* const found =
      std::find_if(std::begin(kNames), std::end(kNames),
                   [&](const DTypeName& known) { return known.dtype == dtype; });
  return found == std::end(kNames) ? "" : found->name;
}

Result<SafetensorsFile> read_safetensors(std::span<const std::byte> bytes,
                                         const std::shared_ptr<const void>& owner) {
  core::ByteReader reader(bytes);
  WAKEBUILDER_TRY(Value header, read_header(reader));
  auto* fields = header.get_if<core::Dict>();
  if (fields == nullptr) return corrupt("safetensors: the header is no JSON object");
  SafetensorsFile file;
  std::vector<Entry> entries;
  for (auto& [key, value] : *fields) {
    std::string& name = *key.get_if<std::string>();
    if (name == "__metadata__") {
      WAKEBUILDER_TRY(file.metadata, read_metadata(value));
      continue;
    }
    WAKEBUILDER_TRY(Entry entry, read_entry(std::move(name), value));
    entries.push_back(std::move(entry));
  }
  const Span data = bytes.subspan(reader.position());
  WAKEBUILDER_CHECK(check_coverage(entries, data.size()));
  CopyBudget budget(bytes.size());
  for (Entry& entry : entries) {
    std::string name = entry.name;
    WAKEBUILDER_TRY(core::Tensor tensor, make_tensor(entry, data, owner, budget));
    file.tensors.emplace_back(Value(std::move(name)), Value(std::move(tensor)));
  }
  return file;
}

}  // namespace wakebuilder::checkpoint
