// What a head is trained on, to look at and to listen to.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"

namespace wakebuilder::pipeline {

/// A window as training takes it.
struct PreviewWindow {
  std::vector<float> frames;  ///< [n, 128] log-mel energies, natural logarithm, not normalised
  int label = 0;              ///< 1: the whole wake word is in it
  std::string text;           ///< what is in it: "sound-alike: compute her"; any bytes
};

inline constexpr std::size_t kMaxPreviewWindows = 1000;  ///< a sheet of 45 MB

struct PreviewReport {
  std::filesystem::path folder;
  std::size_t sounds = 0;         ///< files written: one for each window
  std::filesystem::path picture;  ///< contact_sheet.svg in the folder
  std::filesystem::path page;     ///< index.html in the folder
};

/// Writes windows into a folder, which is made if it is missing:
///
///   window_01_word.wav, window_02_other.wav, ...  a sound with the features of each window
///                       (audio/inversion.h), quieter where it would be clipped
///   contact_sheet.svg   all spectrograms with label and text, those with the word framed in green
///   index.html          the same with a player for each
///
/// Sheet and page hold their pictures themselves. Files of the same names are replaced, one by one
/// and each at once; other files stay, those of another preview too.
/// Errors: kInvalidArgument for no windows and for more than kMaxPreviewWindows; kIo and what
/// audio::write_wav() and core::write_file() say, which name the file.
/// @pre  frames [n, 128] of finite numbers below 64, in all windows as many, else
/// std::logic_error
Result<PreviewReport> write_preview(std::span<const PreviewWindow> windows,
                                    const std::filesystem::path& folder);

}  // namespace wakebuilder::pipeline
