#include "wakebuilder/checkpoint/checkpoint.h"

#include <utility>

#include "checkpoint/pytorch_legacy.h"
#include "checkpoint/pytorch_tar.h"
#include "checkpoint/pytorch_zip.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_tree.h"
#include "checkpoint/sniff.h"

namespace wakebuilder::checkpoint {
namespace {

Result<Checkpoint> read_content(std::span<const std::byte> bytes,
                                const std::shared_ptr<const void>& owner) {
  Checkpoint checkpoint;
  switch (sniff(bytes)) {
    case Content::kZip: {
      checkpoint.format = Format::kPyTorchZip;
      WAKEBUILDER_TRY(checkpoint.root, read_pytorch_zip(bytes, owner));
      return checkpoint;
    }
    case Content::kPickle: {
      checkpoint.format = Format::kPyTorchLegacy;
      WAKEBUILDER_TRY(checkpoint.root, read_pytorch_legacy(bytes, owner));
      return checkpoint;
    }
    case Content::kTar: {
      checkpoint.format = Format::kPyTorchTar;
      WAKEBUILDER_TRY(checkpoint.root, read_pytorch_tar(bytes, owner));
      return checkpoint;
    }
    case Content::kSafetensors: {
      checkpoint.format = Format::kSafetensors;
      WAKEBUILDER_TRY(SafetensorsFile file, read_safetensors(bytes, owner));
      WAKEBUILDER_TRY(checkpoint.root, take_tree(file));
      checkpoint.file_metadata = std::move(file.metadata);
      return checkpoint;
    }
    case Content::kOther:
      break;
  }
  return fail(bytes.empty() ? ErrorCode::kCorrupt : ErrorCode::kUnsupported,
              std::string(describe_foreign(bytes)));
}

/// torch.load would fail on such a file, whatever this reader makes of it: a mistake to be told,
/// not hidden.
Result<void> check_name(const std::filesystem::path& path, Format format) {
  const auto ending = path.extension();
  if (format != Format::kSafetensors || (ending != ".pt" && ending != ".pth")) return {};
  return fail(ErrorCode::kUnsupported,
              "expected a PyTorch checkpoint, as its name says, found safetensors; "
              "rename it to end in .safetensors");
}

}  // namespace

std::string_view to_string(Format format) {
  switch (format) {
    case Format::kPyTorchZip:
      return "PyTorch zip";
    case Format::kPyTorchLegacy:
      return "PyTorch legacy (before 1.6)";
    case Format::kPyTorchTar:
      return "PyTorch tar (0.1)";
    case Format::kSafetensors:
      break;
  }
  return "safetensors";
}

Result<Checkpoint> read(std::span<const std::byte> bytes,
                        const std::shared_ptr<const void>& owner) {
  return read_content(bytes, owner);
}

Result<Checkpoint> read(const std::filesystem::path& path) {
  WAKEBUILDER_TRY(auto file, core::MappedFile::open(path));
  return read(std::move(file), path);
}

Result<Checkpoint> read(std::shared_ptr<const core::MappedFile> file,
                        const std::filesystem::path& path) {
  const std::string name = core::shown(path.filename());
  auto checkpoint = read_content(file->bytes(), file);
  if (!checkpoint) return fail_in(name, std::move(checkpoint).error());
  if (auto named = check_name(path, checkpoint->format); !named) {
    return fail_in(name, std::move(named).error());
  }
  checkpoint->file = std::move(file);
  return checkpoint;
}

}  // namespace wakebuilder::checkpoint
