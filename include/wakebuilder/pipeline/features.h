// A recording to the features that a model hears, as a file.
#pragma once

#include <cstdint>
#include <filesystem>

#include "wakebuilder/audio/features.h"
#include "wakebuilder/core/result.h"

namespace wakebuilder::pipeline {

struct FeaturesReport {
  std::filesystem::path output;
  std::size_t frames = 0;        ///< rows: FeatureOptions::frames
  std::size_t mel_bins = 0;      ///< columns: 128
  std::size_t valid_frames = 0;  ///< rows that are sound; a picture shows these
  double seconds = 0;            ///< of sound that they cover
  std::uint64_t bytes = 0;
};

/// Writes the features of a recording; the ending of `output` says how: .npy ([frames, 128] '<f4'),
/// .safetensors (the same as `input_values`, with the settings as metadata) or .png (a picture of
/// the rows that are sound). Of a long recording only what is needed is read. A failure leaves an
/// older output as it was. Errors, which name the recording: as audio::AudioReader and
/// audio::check; kInvalidArgument for another ending and for a recording below 400 samples (25 ms);
/// kIo.
Result<FeaturesReport> extract_features(const std::filesystem::path& recording,
                                        const std::filesystem::path& output,
                                        const audio::FeatureOptions& options = {});

}  // namespace wakebuilder::pipeline
