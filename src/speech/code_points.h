// UTF-8, one character after the other.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wakebuilder::speech {

/// A character, and the bytes that it was written as.
struct CodePoint {
  char32_t value = 0;
  std::string_view bytes;
};

/// @pre core::is_utf8(text); the result points into it
inline std::vector<CodePoint> code_points(std::string_view text) {
  std::vector<CodePoint> found;
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t size = first < 0x80U ? 1 : first < 0xE0U ? 2 : first < 0xF0U ? 3 : 4;
    char32_t value = size == 1 ? first : first & (0x7FU >> size);
    for (std::size_t i = 1; i < size; ++i)
      value = (value << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
    found.push_back({value, text.substr(0, size)});
    text.remove_prefix(size);
  }
  return found;
}

}  // namespace wakebuilder::speech
