// Reads PyTorch and safetensors files. No pickle is executed: docs/security.md.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::checkpoint {

/// The container that a checkpoint was read from.
enum class Format { kPyTorchZip, kPyTorchLegacy, kPyTorchTar, kSafetensors };

/// "PyTorch zip", "PyTorch legacy (before 1.6)", "PyTorch tar (0.1)", "safetensors".
std::string_view to_string(Format format);

/// What a checkpoint file holds.
struct Checkpoint {
  Format format = Format::kPyTorchZip;
  /// The object that was saved: mostly a dict of tensors, settings and further dicts. Tensors that
  /// are contiguous, aligned and little-endian in the file are views of the mapping, others are
  /// copies. A tensor of a kind that has no dense data (sparse, quantised, meta device) is a
  /// core::Opaque.
  core::Value root;
  /// `__metadata__` of a safetensors file (string to string); an empty dict for PyTorch files.
  core::Value file_metadata = core::Dict{};
  /// The mapping that the tensors look into.
  std::shared_ptr<const core::MappedFile> file;
};

/// Reads a checkpoint; the format is told by the content. A safetensors file that is called .pt or
/// .pth is refused: no other program would read it under that name.
///
/// Errors, one sentence each, that begins with the file's name: kNotFound, kIo, kCorrupt (torn,
/// damaged or hostile), kUnsupported (TorchScript, a pickled module, HDF5, ONNX, gzip, HTML, ...:
/// names what it is and what to do). Whatever the file says, copies of tensor data take at most the
/// file's size plus 16 MiB, and everything else stays below 64 MiB: docs/security.md. Thread-safe.
Result<Checkpoint> read(const std::filesystem::path& path);

/// The same for a file that is mapped already; `path` is its name.
Result<Checkpoint> read(std::shared_ptr<const core::MappedFile> file,
                        const std::filesystem::path& path);

/// The same for bytes in memory (tests, fuzzing): `owner` keeps them alive. Errors begin without a
/// name.
Result<Checkpoint> read(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner);

}  // namespace wakebuilder::checkpoint
