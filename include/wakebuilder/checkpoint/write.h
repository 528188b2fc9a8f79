// Writes checkpoints that PyTorch and safetensors read.
#pragma once

#include <filesystem>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::checkpoint {

/// Writes a tree of values as a PyTorch zip (pickle protocol 2, records stored and aligned to 64
/// bytes), which `torch.load(weights_only=True)` reads. Tensors that share their bytes share a
/// storage. The same tree gives the same bytes. Errors: kIo; kUnsupported for a value without
/// Python form (core::Opaque).
Result<void> write_pytorch(core::StagedFile& file, const core::Value& root);

/// Writes the tensors of a tree as safetensors, the rest of the tree as JSON in `__metadata__`, so
/// that read() gives the same tree back (docs/formats/safetensors.md). `file_metadata` entries are
/// kept beside it. Errors: kIo; kUnsupported for a value or an element type that the format lacks.
Result<void> write_safetensors(core::StagedFile& file, const core::Value& root,
                               const core::Value& file_metadata = core::Dict{});

/// The same to a file of this name, whole or not at all.
Result<void> save_safetensors(const std::filesystem::path& path, const core::Value& root);

}  // namespace wakebuilder::checkpoint
