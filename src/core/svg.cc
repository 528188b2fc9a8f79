#include "wakebuilder/core/svg.h"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace wakebuilder::core {
namespace {

/// XML has no U+FFFE and U+FFFF.
bool is_no_xml(std::string_view text) {
  return text.starts_with("\xef\xbf\xbe") || text.starts_with("\xef\xbf\xbf");
}

}  // namespace

std::string xml(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (is_no_xml(text.substr(i))) {
          out += "\xef\xbf\xbd";
          i += 2;
        } else {
          out += text[i];
        }
    }
  }
  return out;
}

std::string px(double value) {
  char buffer[32];
  const auto result = std::to_chars(std::begin(buffer), std::end(buffer),
                                    std::round(value * 10) / 10, std::chars_format::fixed);
  return {std::begin(buffer), result.ptr};
}

double text_width(std::string_view text, double font_size) {
  double ems = 0;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if ((byte & 0xc0U) == 0x80U) continue;
    if (byte >= 0xe3) {
      ems += 1.0;
    } else if (std::string_view("iljtfr.,:;|!'[]()/ ").find(c) != std::string_view::npos) {
      ems += 0.36;
    } else if (std::string_view("mwMW@%").find(c) != std::string_view::npos ||
               (c >= 'A' && c <= 'Z')) {
      ems += 0.74;
    } else {
      ems += 0.58;
    }
  }
  return ems * font_size;
}

}  // namespace wakebuilder::core
