// Writes a tree of values as a pickle of protocol 2, as torch.save would.
#pragma once

#include <string>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

#include "checkpoint/storage_plan.h"

namespace wakebuilder::checkpoint {

/// The pickle of `root`; storage N of the plan has the key "N".
/// Errors: kUnsupported for core::Opaque, for text that is not UTF-8, for integers beyond 255
/// bytes.
Result<std::string> write_pickle(const core::Value& root, const StoragePlan& plan);

}  // namespace wakebuilder::checkpoint
