#include "train/state_file.h"

#include <utility>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::train {
namespace {

using core::Dict;
using core::Value;

constexpr const char* kFormat = "wakebuilder-train 1";

template <class T>
const T* find(const Value& root, std::string_view key) {
  const Value* value = root.find(key);
  return value != nullptr ? value->get_if<T>() : nullptr;
}

Result<JobState> from_value(const Value& root) {
  const auto* format = find<std::string>(root, "format");
  const auto* phase = find<std::string>(root, "phase");
  const auto* random = find<core::Tensor>(root, "random");
  const auto* history = find<core::List>(root, "history");
  const bool is_whole = format != nullptr && *format == kFormat && phase != nullptr &&
                        (*phase == "head" || *phase == "fine_tune") && random != nullptr &&
                        random->dtype() == core::DType::kUInt8 && history != nullptr &&
                        find<Dict>(root, "identity") != nullptr &&
                        find<Dict>(root, "training") != nullptr;
  if (!is_whole)
    return fail(ErrorCode::kCorrupt, "expected the state of a training, found something else");
  return JobState{.phase = *phase,
                  .identity = *root.find("identity"),
                  .training = *root.find("training"),
                  .history = *history,
                  .random = *random};
}

std::string shown(const Value* value) {
  return value == nullptr ? "nothing" : core::quote(core::to_json(*value));
}

}  // namespace

Result<void> write_state(const std::filesystem::path& path, const JobState& state) {
  const Dict root = {{"format", kFormat},          {"phase", state.phase},
                     {"identity", state.identity}, {"training", state.training},
                     {"history", state.history},   {"random", state.random}};
  return checkpoint::save_safetensors(path, Value(root));
}

Result<std::optional<JobState>> read_state(const std::filesystem::path& path) {
  const auto file = checkpoint::read(path);
  if (!file && file.error().code == ErrorCode::kNotFound) return std::optional<JobState>();
  if (!file) return fail(file.error());
  auto state = from_value(file->root);
  if (!state) return fail_in(core::shown(path), std::move(state).error());
  return std::optional<JobState>(*std::move(state));
}

Result<void> check_same(const Value& expected, const Value& found) {
  for (const auto* side : {&expected, &found}) {
    for (const auto& [name, unused] : *side->get_if<Dict>()) {
      const auto* key = name.get_if<std::string>();
      if (key == nullptr) continue;
      const Value* wanted = expected.find(*key);
      const Value* other = found.find(*key);
      if (shown(wanted) == shown(other)) continue;
      return fail(ErrorCode::kMismatch, "expected a training with the same numbers, found " +
                                            core::quote(*key) + " " + shown(other) +
                                            " instead of " + shown(wanted));
    }
  }
  return {};
}

}  // namespace wakebuilder::train
