// Reads the files of torch.save since 1.6: a zip archive of a pickle and one record per storage.
//
//   model/data.pkl           the object, with persistent ids in place of storages
//   model/byteorder          "little" or "big" (since 2.1)
//   model/data/0, data/1 ... the storages, at multiples of 64 bytes
//   model/version            "3\n"
//
// Other records are left alone. docs/formats/pytorch.md has the bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::checkpoint {

struct ZipReadOptions {
  /// Off only for fuzzing, which would hardly ever guess a CRC.
  bool verify_crc = true;
};

/// The object of the archive. Errors: kCorrupt, kUnsupported.
Result<core::Value> read_pytorch_zip(std::span<const std::byte> bytes,
                                     const std::shared_ptr<const void>& owner,
                                     const ZipReadOptions& options = {});

}  // namespace wakebuilder::checkpoint
