#include "wakebuilder/core/version.h"

namespace wakebuilder {

std::string_view version() { return WAKEBUILDER_VERSION; }

}  // namespace wakebuilder
