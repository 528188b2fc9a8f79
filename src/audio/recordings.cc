#include "wakebuilder/audio/recordings.h"

#include <algorithm>
#include <array>
#include <string>
#include <system_error>

#include "wakebuilder/core/file.h"

namespace wakebuilder::audio {

namespace fs = std::filesystem;

bool is_recording(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& letter : ending)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  constexpr std::array kEndings = {".wav", ".flac", ".ogg", ".oga", ".mp3"};
  return std::ranges::find(kEndings, ending) != kEndings.end();
}

Result<std::vector<fs::path>> find_recordings(const fs::path& root) {
  std::error_code error;
  if (fs::is_regular_file(root, error)) return std::vector<fs::path>{root};
  std::vector<fs::path> files;
  fs::recursive_directory_iterator entry(root, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (is_recording(entry->path()) && entry->is_regular_file(ignored))
      files.push_back(entry->path());
  }
  if (error)
    return fail(
        ErrorCode::kNotFound,
        core::shown(root) + ": expected a recording or a folder of them: " + error.message());
  if (files.empty())
    return fail(ErrorCode::kNotFound,
                core::shown(root) + ": expected WAV, FLAC, Ogg or MP3 files, found none");
  return files;
}

}  // namespace wakebuilder::audio
