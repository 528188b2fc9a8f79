// Recordings in folders.
#pragma once

#include <filesystem>
#include <vector>

#include "wakebuilder/core/result.h"

namespace wakebuilder::audio {

/// True for names that end as those of WAV, FLAC, Ogg and MP3 files do, in letters of either case.
bool is_recording(const std::filesystem::path& path);

/// The recordings in a folder and the folders below it, by their names, in no certain order; a file
/// is the one recording, whatever its name. Nothing is opened.
/// Errors, which name `root`: kNotFound when it is not there, when a folder cannot be read, and
/// when there is no recording in it.
Result<std::vector<std::filesystem::path>> find_recordings(const std::filesystem::path& root);

}  // namespace wakebuilder::audio
