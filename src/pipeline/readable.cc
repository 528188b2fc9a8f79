#include "pipeline/readable.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace wakebuilder::pipeline {
namespace {

constexpr std::size_t kMostDigits = 400;  ///< of the greatest double

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("_-./").find(c) != std::string_view::npos;
}

}  // namespace

std::string rounded(double value, int digits) {
  if (!std::isfinite(value)) return "?";
  const double scale = std::pow(10, digits);
  std::array<char, kMostDigits> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                    std::round(value * scale) / scale + 0.0,  // no "-0"
                                    std::chars_format::fixed);
  return {buffer.data(), result.ptr};
}

std::string three_digits(double value) {
  if (!std::isfinite(value)) return "?";
  std::array<char, kMostDigits> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                    std::chars_format::fixed, 3);
  return {buffer.data(), result.ptr};
}

std::string two_digits(double value) {
  if (!std::isfinite(value)) return "?";
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                    std::chars_format::general, 2);
  return {buffer.data(), result.ptr};
}

std::string percent(double share) { return rounded(share * 100, 1) + " %"; }

std::string duration(double seconds) {
  if (!(seconds >= 60 && std::isfinite(seconds))) return rounded(seconds, 1) + " s";
  const double whole = std::round(seconds);
  const double minutes = std::floor(whole / 60);
  if (minutes < 60) return rounded(minutes, 0) + " min " + rounded(whole - minutes * 60, 0) + " s";
  const double hours = std::floor(minutes / 60);
  return rounded(hours, 0) + " h " + rounded(minutes - hours * 60, 0) + " min";
}

std::string counted(std::size_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

std::string byte_size(std::uint64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (number >= 1e6) return rounded(number / 1e6, 1) + " MB";
  if (number >= 1e3) return rounded(number / 1e3, 1) + " kB";
  return counted(bytes, "byte", "bytes");
}

std::string shell_word(std::string_view text) {
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return std::string(text);
  const bool has_apostrophe = text.find('\'') != std::string_view::npos;
  if (has_apostrophe && text.find_first_of("\"$`\\!") == std::string_view::npos)
    return "\"" + std::string(text) + "\"";
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? R"('"'"')" : std::string(1, c);
  return quoted + "'";
}

}  // namespace wakebuilder::pipeline
