// What a check found. A check returns all its findings, not the first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wakebuilder::core {

enum class Severity { kInfo, kWarning, kError };

/// "info", "warning", "error".
std::string_view to_string(Severity severity);

/// One remark about a file: how bad, at which node, tensor or byte, and a sentence.
struct Finding {
  Severity severity;
  std::string where;
  std::string message;

  friend bool operator==(const Finding&, const Finding&) = default;
};

/// True when no finding is an error.
bool passes(const std::vector<Finding>& findings);

}  // namespace wakebuilder::core
