// Bounds JSON before it is parsed.
#pragma once

#include <string_view>

#include "wakebuilder/core/result.h"

namespace wakebuilder::checkpoint {

/// Parsed values take far more memory than their text, so a text of more than kMaxJsonValues is
/// refused. Errors: kCorrupt.
Result<void> check_json_size(std::string_view json);

}  // namespace wakebuilder::checkpoint
