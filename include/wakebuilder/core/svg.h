// What every drawing needs: text in XML, lengths, and about how wide a text is.
#pragma once

#include <string>
#include <string_view>

namespace wakebuilder::core {

/// Text for the content or an attribute of an XML element: markup is escaped, and U+FFFE and
/// U+FFFF, which XML has not, are replaced. Control characters are left: printable() comes first.
std::string xml(std::string_view text);

/// A length or place, to a tenth of a pixel: "12.5".
std::string px(double value);

/// About the width of a text in a sans-serif font, in the unit of `font_size`.
double text_width(std::string_view text, double font_size);

}  // namespace wakebuilder::core
