// What a checkpoint says beside its weights.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"
#include "wakebuilder/model/classifier.h"

namespace wakebuilder::model {

/// The value under a key, or null when it is not there or None.
const core::Value* setting(const core::Value& metadata, std::string_view key);

/// The numbers of a list or tuple of integers; nothing when it is anything else.
std::optional<std::vector<std::int64_t>> integers_of(const core::Value& value);

/// Wake word, threshold and sample rate. Errors: kMismatch for a threshold that is no number from 0
/// to 1, or a rate that is no positive integer.
Result<Settings> read_settings(const core::Value& metadata);

}  // namespace wakebuilder::model
