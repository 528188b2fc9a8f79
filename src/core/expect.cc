#include "wakebuilder/core/expect.h"

#include <stdexcept>
#include <string>

namespace wakebuilder::core {

void contract_broken(const char* condition, const char* file, int line) {
  throw std::logic_error(std::string(file) + ":" + std::to_string(line) +
                         ": contract broken: " + condition);
}

}  // namespace wakebuilder::core
