// JSON text to and from core::Value.
#pragma once

#include <string>
#include <string_view>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::core {

/// Reads one JSON document. Objects keep their order, integers stay integers.
/// Errors: kCorrupt with line and column, also for nesting deeper than 128 and for a key that is
/// given twice.
Result<Value> parse_json(std::string_view text);

/// Writes JSON: `indent` < 0 on one line, else pretty with that many spaces. Numbers keep their
/// value (shortest text that reads back the same). What JSON lacks becomes what people expect:
/// tuples are arrays, NaN and infinity null, integers beyond 64 bits, bytes and opaque things
/// strings, keys strings, a tensor {"dtype", "shape"}. Text that is not UTF-8 gets U+FFFD in place
/// of each bad byte. Never fails.
std::string to_json(const Value& value, int indent = -1);

}  // namespace wakebuilder::core
