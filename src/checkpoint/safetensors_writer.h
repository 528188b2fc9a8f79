// Writes safetensors files to anything that takes bytes.
#pragma once

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

#include "checkpoint/zip_writer.h"

namespace wakebuilder::checkpoint {

/// What write_safetensors() of write.h does, for any sink.
Result<void> write_safetensors_to(const ByteSink& sink, const core::Value& root,
                                  const core::Value& file_metadata);

}  // namespace wakebuilder::checkpoint
