// The options of C, also of programs that were compiled with an older or a newer header.
#pragma once

#include "wakebuilder/core/result.h"
#include "wakebuilder/pipeline/listen.h"
#include "wakebuilder/wakebuilder.h"

namespace wakebuilder::capi {

/// @param options  null: the defaults
/// Errors: kInvalidArgument for a size that is none, kUnsupported for members set that this version
/// does not know, those of runtime::parse_providers. The numbers are checked by pipeline::listen.
Result<pipeline::ListenOptions> listen_options(const wakebuilder_options* options);

}  // namespace wakebuilder::capi
