// Bytes as text, for what text has inside it: pictures in a page.
#pragma once

#include <string>
#include <string_view>

namespace wakebuilder::core {

/// RFC 4648 base64 of `bytes`, padded, in one line. @pre at most 1 GiB, else std::logic_error
std::string base64(std::string_view bytes);

}  // namespace wakebuilder::core
