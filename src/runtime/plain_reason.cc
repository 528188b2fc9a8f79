#include <regex>

#include "wakebuilder/core/text.h"

#include "runtime/provider_session.h"

namespace wakebuilder::runtime {
namespace {

/// Longer ones are cut before they are searched.
constexpr std::size_t kLongestMessage = 2000;
constexpr std::size_t kLongestReason = 400;

/// What ONNX Runtime's macros put around a sentence.
std::string without_places(std::string message) {
  static const std::regex kStatus(R"(^.*\[ONNXRuntimeError\] : \d+ : \w+ : )");
  static const std::regex kCondition(R"(^.* was false\. )");
  static const std::regex kFunction(R"(^(/\S+:\d+ .*?\) (\[with .*?\] )?)+)");
  static const std::regex kShortPlace(R"(\b\w+\.(h|cc):\d+ \w+ )");
  static const std::regex kTwice(R"((\S+) with error: \1: )");
  static const std::regex kDetails(R"( ; GPU=.*$)");
  for (const std::regex* around : {&kStatus, &kCondition, &kFunction, &kShortPlace, &kDetails})
    message = std::regex_replace(message, *around, "");
  return std::regex_replace(message, kTwice, "$1: ");
}

}  // namespace

std::string plain_reason(std::string message) {
  message = core::shorten(message, kLongestMessage);
  for (char& c : message)
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  message = without_places(message);
  message.erase(message.find_last_not_of(' ') + 1);
  return core::printable(core::shorten(message, kLongestReason));
}

}  // namespace wakebuilder::runtime
