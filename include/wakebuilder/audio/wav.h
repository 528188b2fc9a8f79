// Recordings written as WAV.
#pragma once

#include <filesystem>
#include <span>

#include "wakebuilder/core/result.h"

namespace wakebuilder::audio {

/// Writes a WAV of 16 kHz, mono, 16-bit PCM, beside the target and then renamed into its place: a
/// file that was there stays whole until the new one is.
///
/// @param samples  16 kHz mono, +-1; what is louder is clipped, NaN is silence. One step of the
///                 file is 1/32768, so what load_audio() read from 16 bits is written back exactly.
///
/// Errors, which name the file: kIo (disk full, read-only folder); kNotFound when its folder is
/// not there; kInvalidArgument for a folder or device, and for no samples, since no reader takes a
/// recording without any; kUnsupported for more than 18 hours, which do not fit a WAV's header
/// in every reader (2 GiB).
Result<void> write_wav(const std::filesystem::path& path, std::span<const float> samples);

}  // namespace wakebuilder::audio
