// Whole numbers as values.
#pragma once

#include <cstdint>
#include <vector>

#include "wakebuilder/core/value.h"

namespace wakebuilder::pipeline {

inline core::List number_list(const std::vector<std::int64_t>& numbers) {
  return {numbers.begin(), numbers.end()};
}

}  // namespace wakebuilder::pipeline
