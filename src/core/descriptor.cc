#include "wakebuilder/core/descriptor.h"

#include <unistd.h>

namespace wakebuilder::core {

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

}  // namespace wakebuilder::core
