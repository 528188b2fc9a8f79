#include "wakebuilder/onnx/graph.h"

#include <algorithm>

namespace wakebuilder::onnx {

std::optional<std::int64_t> ModelProto::opset() const {
  for (const auto& [domain_name, version] : opset_imports) {
    if (domain_name.empty() || domain_name == "ai.onnx") return version;
  }
  return std::nullopt;
}

const std::string* ModelProto::metadata(std::string_view key) const {
  const auto entry = std::find_if(metadata_props.begin(), metadata_props.end(),
                                  [&](const auto& property) { return property.first == key; });
  return entry == metadata_props.end() ? nullptr : &entry->second;
}

bool ModelProto::says(std::string_view key, std::string_view value) const {
  const std::string* found = metadata(key);
  return found != nullptr && *found == value;
}

}  // namespace wakebuilder::onnx
