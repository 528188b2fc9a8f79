#include "checkpoint/json_size.h"

#include <cstddef>
#include <string>

#include "checkpoint/limits.h"

namespace wakebuilder::checkpoint {
namespace {

/// Each value of a container but the first follows a comma; a container begins with a bracket.
std::size_t upper_bound_of_values(std::string_view json) {
  std::size_t count = 1;
  bool in_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == ',' || c == '[' || c == '{')) {
      ++count;
    }
  }
  return count;
}

}  // namespace

Result<void> check_json_size(std::string_view json) {
  if (upper_bound_of_values(json) <= kMaxJsonValues) return {};
  return fail(ErrorCode::kCorrupt,
              "it holds more than " + std::to_string(kMaxJsonValues) + " JSON values");
}

}  // namespace wakebuilder::checkpoint
