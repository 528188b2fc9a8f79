#include "wakebuilder/checkpoint/state_dict.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>

#include "wakebuilder/core/text.h"

namespace wakebuilder::checkpoint {
namespace {

using core::Dict;
using core::Value;

constexpr std::array<std::string_view, 4> kKeys = {"classifier_state_dict", "model_state_dict",
                                                   "state_dict", "model"};
constexpr std::array<std::string_view, 2> kPrefixes = {"module.", "_orig_mod."};

bool is_tensor_like(const Value& value) {
  const auto* opaque = value.get_if<core::Opaque>();
  return value.get_if<core::Tensor>() != nullptr ||
         (opaque != nullptr && opaque->what.find("tensor") != std::string::npos);
}

bool is_dict_of_tensors(const Dict& dict) {
  return !dict.empty() && std::all_of(dict.begin(), dict.end(), [](const auto& item) {
    return item.first.template get_if<std::string>() != nullptr && is_tensor_like(item.second);
  });
}

/// "a dict with the keys wake_word, threshold": what to say instead of the weights.
std::string describe(const Value& root) {
  const auto* dict = root.get_if<Dict>();
  if (dict == nullptr) return "a " + std::string(root.type_name());
  if (dict->empty()) return "an empty dict";
  std::string text = "a dict with the keys ";
  constexpr std::size_t kShown = 8;
  for (std::size_t i = 0; i < std::min(dict->size(), kShown); ++i) {
    const auto* key = (*dict)[i].first.get_if<std::string>();
    text += (i == 0 ? "" : ", ") + (key != nullptr
                                        ? core::quote(*key, 60)
                                        : "(" + std::string((*dict)[i].first.type_name()) + ")");
  }
  return text + (dict->size() > kShown ? ", ..." : "");
}

/// The key of the weights; "" for a bare dict of tensors.
Result<std::string_view> find_key(const Value& root) {
  for (const std::string_view key : kKeys) {
    const Value* value = root.find(key);
    if (value != nullptr && value->get_if<Dict>() != nullptr) return key;
  }
  const auto* dict = root.get_if<Dict>();
  if (dict != nullptr && is_dict_of_tensors(*dict)) return "";
  return fail(ErrorCode::kUnsupported,
              "no state dict: expected a dict of tensors, or one under classifier_state_dict, "
              "model_state_dict, "
              "state_dict or model; found " +
                  describe(root));
}

/// Names become parts of paths and messages: text without control characters.
Result<void> check_name(const std::string& name) {
  const bool plain = !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (plain) return {};
  return fail(ErrorCode::kCorrupt,
              "the name \"" + core::quote(name) + "\" is empty or holds a control character");
}

Result<core::Tensor> dense_tensor(const std::string& name, const Value& value) {
  if (const auto* tensor = value.get_if<core::Tensor>()) return *tensor;
  const auto* opaque = value.get_if<core::Opaque>();
  const std::string found = opaque != nullptr ? opaque->what : std::string(value.type_name());
  return fail(ErrorCode::kUnsupported,
              core::quote(name) + ": expected a dense tensor, found a " + found);
}

Result<void> add_tensors(const Dict& weights, StateDict& state) {
  state.tensors.reserve(weights.size());
  for (const auto& [key, value] : weights) {
    const auto* name = key.get_if<std::string>();
    if (name == nullptr) {
      return fail(ErrorCode::kUnsupported,
                  "a key among the weights is of type " + std::string(key.type_name()));
    }
    WAKEBUILDER_CHECK(check_name(*name));
    WAKEBUILDER_TRY(core::Tensor tensor, dense_tensor(*name, value));
    state.tensors.emplace_back(*name, std::move(tensor));
  }
  return {};
}

/// Removes what DataParallel and torch.compile put in front of every name.
void strip_prefixes(StateDict& state) {
  const auto all_have = [&](std::string_view prefix) {
    return std::all_of(state.tensors.begin(), state.tensors.end(), [&](const auto& item) {
      return item.first.starts_with(prefix) && item.first.size() > prefix.size();
    });
  };
  for (bool found = !state.tensors.empty(); found;) {
    found = false;
    for (const std::string_view prefix : kPrefixes) {
      if (!all_have(prefix)) continue;
      for (auto& item : state.tensors) item.first.erase(0, prefix.size());
      found = true;
    }
  }
}

Result<void> check_unique(const StateDict& state) {
  std::unordered_set<std::string_view> names;
  for (const auto& item : state.tensors) {
    if (names.insert(item.first).second) continue;
    return fail(ErrorCode::kCorrupt, core::quote(item.first) + " is given twice");
  }
  return {};
}

/// States of the training that nothing here needs; a setting like optimizer="adamw" stays.
bool is_training_state(std::string_view key, const Value& value) {
  const bool holds_state = value.get_if<Dict>() != nullptr || value.get_if<core::List>() != nullptr;
  return holds_state && (key.find("optim") != std::string_view::npos ||
                         key.find("scheduler") != std::string_view::npos ||
                         key.find("scaler") != std::string_view::npos);
}

/// Gives the entries of `config` the names that upstream's own files use.
void flatten_config(Value& metadata) {
  const Value* config = metadata.find("config");
  const auto* entries = config != nullptr ? config->get_if<Dict>() : nullptr;
  if (entries == nullptr) return;
  const Dict copy = *entries;  // set() may move the original
  for (const auto& [key, value] : copy) {
    const auto* text = key.get_if<std::string>();
    if (text == nullptr) continue;
    std::string_view name = *text;
    if (name == "hidden_dims") name = "classifier_hidden_dims";
    if (name == "dropout") name = "classifier_dropout";
    if (metadata.find(name) == nullptr) metadata.set(name, value);
  }
}

Value metadata_of(const Value& root, std::string_view weights_key) {
  Dict metadata;
  for (const auto& [key, value] : *root.get_if<Dict>()) {
    const auto* text = key.get_if<std::string>();
    if (text != nullptr && (*text == weights_key || is_training_state(*text, value))) continue;
    metadata.emplace_back(key, value);
  }
  Value result(std::move(metadata));
  flatten_config(result);
  return result;
}

}  // namespace

Result<StateDict> find_state_dict(const Checkpoint& checkpoint) {
  const Value& root = checkpoint.root;
  WAKEBUILDER_TRY(const std::string_view key, find_key(root));
  StateDict state;
  state.key = key;
  const Value& weights = key.empty() ? root : *root.find(key);
  const Dict& items = *weights.get_if<Dict>();
  if (items.empty())
    return fail(ErrorCode::kUnsupported, "no state dict: " + state.key + " is empty");
  WAKEBUILDER_CHECK(add_tensors(items, state));
  strip_prefixes(state);
  WAKEBUILDER_CHECK(check_unique(state));
  if (!key.empty()) state.metadata = metadata_of(root, key);
  return state;
}

}  // namespace wakebuilder::checkpoint
