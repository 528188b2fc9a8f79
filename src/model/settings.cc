#include "model/settings.h"

#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::model {

const core::Value* setting(const core::Value& metadata, std::string_view key) {
  if (const core::Value* value = metadata.find(key); value != nullptr && !value->is_null())
    return value;
  return nullptr;
}

/// The numbers of a list or tuple of integers; nothing when it is anything else.
std::optional<std::vector<std::int64_t>> integers_of(const core::Value& value) {
  const auto* items = value.get_if<core::List>();
  if (const auto* tuple = value.get_if<core::Tuple>()) items = &tuple->items;
  if (items == nullptr) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const core::Value& item : *items) {
    const auto* number = item.get_if<std::int64_t>();
    if (number == nullptr) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

Result<Settings> read_settings(const core::Value& metadata) {
  Settings settings;
  settings.metadata = metadata;
  if (const core::Value* word = setting(metadata, "wake_word")) {
    if (const auto* text = word->get_if<std::string>()) settings.wake_word = *text;
  }
  if (const core::Value* threshold = setting(metadata, "threshold")) {
    settings.threshold = threshold->number();
    if (!settings.threshold || !(*settings.threshold >= 0) || !(*settings.threshold <= 1)) {
      return fail(ErrorCode::kMismatch, "threshold: expected a number from 0 to 1, found " +
                                            core::quote(core::to_json(*threshold)));
    }
  }
  if (const core::Value* rate = setting(metadata, "sample_rate")) {
    const auto* hertz = rate->get_if<std::int64_t>();
    if (hertz == nullptr || *hertz < 1) {
      return fail(ErrorCode::kMismatch, "sample_rate: expected a positive integer, found " +
                                            core::quote(core::to_json(*rate)));
    }
    settings.sample_rate_hz = *hertz;
  }
  return settings;
}

}  // namespace wakebuilder::model
