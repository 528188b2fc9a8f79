// Numbers that users give, and what they may be.
#pragma once

#include <string>
#include <string_view>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::core {

/// Errors: kInvalidArgument, "NAME: expected LEAST to MOST, found VALUE"; also for NaN.
inline Result<void> check_range(std::string_view name, double value, double least, double most) {
  if (value >= least && value <= most) return {};
  return fail(ErrorCode::kInvalidArgument, std::string(name) + ": expected " + to_text(least) +
                                               " to " + to_text(most) + ", found " +
                                               to_text(value));
}

}  // namespace wakebuilder::core
