#include "wakebuilder/core/base64.h"

#include <cstddef>

#include <openssl/evp.h>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::core {

std::string base64(std::string_view bytes) {
  WAKEBUILDER_EXPECT(bytes.size() <= std::size_t{1} << 30U);  // EVP counts in int
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');     // with its end
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace wakebuilder::core
