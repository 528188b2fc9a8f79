#include "checkpoint/safetensors_writer.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

#include "checkpoint/json_size.h"
#include "checkpoint/limits.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_tree.h"
#include "checkpoint/tree_writer.h"

namespace wakebuilder::checkpoint {
namespace {

using core::Value;

struct Placed {
  std::string_view name;
  const core::Tensor* tensor = nullptr;
  std::uint64_t begin = 0;
};

/// Wide element types come first, so that every tensor is aligned without holes between them.
std::vector<const Placed*> place(std::vector<Placed>& tensors) {
  std::vector<Placed*> in_file;
  in_file.reserve(tensors.size());
  for (Placed& tensor : tensors) in_file.push_back(&tensor);
  std::stable_sort(in_file.begin(), in_file.end(), [](const Placed* a, const Placed* b) {
    return core::item_size(a->tensor->dtype()) > core::item_size(b->tensor->dtype());
  });
  std::uint64_t end = 0;
  for (Placed* tensor : in_file) {
    tensor->begin = end;
    end += tensor->tensor->bytes().size();
  }
  return {in_file.begin(), in_file.end()};
}

/// `__metadata__`: what the caller keeps, the kind of tensors that other tools ask for, and the
/// tree.
Result<Value> metadata_of(const SplitTree& tree, const Value& file_metadata) {
  Value metadata(core::Dict{});
  metadata.set("format", "pt");
  if (const auto* entries = file_metadata.get_if<core::Dict>()) {
    for (const auto& [key, value] : *entries) {
      const auto* name = key.get_if<std::string>();
      const auto* text = value.get_if<std::string>();
      if (name == nullptr || text == nullptr || !core::is_utf8(*name) || !core::is_utf8(*text)) {
        return fail(ErrorCode::kUnsupported, "safetensors keeps text alone in __metadata__");
      }
      if (*name != kTreeKey) metadata.set(*name, *text);
    }
  }
  if (tree.json.is_null()) return metadata;
  std::string json = core::to_json(tree.json);
  if (!check_json_size(json) || !core::parse_json(json)) {
    return fail(ErrorCode::kUnsupported,
                "a checkpoint with so many or so deeply nested values cannot be "
                "written to a safetensors file");
  }
  metadata.set(kTreeKey, std::move(json));
  return metadata;
}

std::string describe(const Placed& placed) {
  Value entry(core::Dict{});
  entry.set("dtype", safetensors_name(placed.tensor->dtype()));
  core::List shape;
  for (const std::int64_t size : placed.tensor->shape()) shape.emplace_back(size);
  entry.set("shape", std::move(shape));
  const std::uint64_t end = placed.begin + placed.tensor->bytes().size();
  entry.set("data_offsets",
            core::List{static_cast<std::int64_t>(placed.begin), static_cast<std::int64_t>(end)});
  return core::to_json(std::string(placed.name)) + ":" + core::to_json(entry);
}

/// The JSON, padded with spaces so that the data begins at a multiple of 8.
Result<std::string> header_of(const std::vector<Placed>& tensors, const Value& metadata) {
  std::string header = "{\"__metadata__\":" + core::to_json(metadata);
  for (const Placed& tensor : tensors) header += "," + describe(tensor);
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > kMaxSafetensorsHeaderBytes || !check_json_size(header)) {
    return fail(ErrorCode::kUnsupported, "a header of " + std::to_string(header.size()) +
                                             " bytes is too large for a safetensors file");
  }
  return header;
}

}  // namespace

Result<void> write_safetensors_to(const ByteSink& sink, const Value& root,
                                  const Value& file_metadata) {
  WAKEBUILDER_TRY(const SplitTree tree, split_tree(root));
  WAKEBUILDER_TRY(const Value metadata, metadata_of(tree, file_metadata));
  std::vector<Placed> tensors;
  for (const auto& [name, tensor] : tree.tensors) {
    if (safetensors_name(tensor.dtype()).empty()) {
      return fail(ErrorCode::kUnsupported, core::quote(name) + ": safetensors has no " +
                                               std::string(core::to_string(tensor.dtype())));
    }
    tensors.push_back({.name = name, .tensor = &tensor});
  }
  const auto in_file = place(tensors);
  WAKEBUILDER_TRY(const std::string header, header_of(tensors, metadata));
  const std::uint64_t length = header.size();
  WAKEBUILDER_CHECK(sink(std::as_bytes(std::span(&length, 1))));
  WAKEBUILDER_CHECK(sink(std::as_bytes(std::span(header))));
  for (const Placed* tensor : in_file) WAKEBUILDER_CHECK(sink(tensor->tensor->bytes()));
  return {};
}

Result<void> write_safetensors(core::StagedFile& file, const Value& root,
                               const Value& file_metadata) {
  return write_safetensors_to([&](std::span<const std::byte> bytes) { return file.write(bytes); },
                              root, file_metadata);
}

Result<void> save_safetensors(const std::filesystem::path& path, const Value& root) {
  WAKEBUILDER_TRY(auto staged, core::StagedFile::create(path));
  WAKEBUILDER_CHECK(write_safetensors(staged, root));
  return staged.publish();
}

}  // namespace wakebuilder::checkpoint
