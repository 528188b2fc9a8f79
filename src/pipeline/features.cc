#include "wakebuilder/pipeline/features.h"

#include <algorithm>
#include <array>

#include "wakebuilder/audio/reader.h"
#include "wakebuilder/audio/spectrogram.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/core/value.h"
#include "wakebuilder/core/version.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using audio::FeatureOptions;
using audio::Features;
using audio::kMelBins;

using Writer = Result<void> (*)(core::StagedFile& file, Features features,
                                const FeatureOptions& options);

/// NumPy's format, version 1.0: magic, length of the header, a Python dict padded with spaces so
/// that the data is aligned to 64 bytes.
Result<void> write_npy(core::StagedFile& file, Features features,
                       const FeatureOptions& /*options*/) {
  constexpr std::size_t kAlignment = 64;
  const std::string dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                           std::to_string(features.frames) + ", " + std::to_string(kMelBins) +
                           "), }";
  std::string header("\x93NUMPY\x01\x00", 8);
  const std::size_t before_dict = header.size() + 2;
  const std::size_t total = (before_dict + dict.size() + kAlignment) / kAlignment * kAlignment;
  const std::size_t length = total - before_dict;
  header += static_cast<char>(length & 0xffU);
  header += static_cast<char>(length >> 8U);
  header += dict;
  header.resize(total - 1, ' ');
  header += '\n';
  WAKEBUILDER_CHECK(file.write(header));
  return file.write(std::as_bytes(std::span(features.values)));
}

Result<void> write_safetensors(core::StagedFile& file, Features features,
                               const FeatureOptions& options) {
  const auto text = [](auto number) {
    return core::Value(core::to_text(static_cast<double>(number)));
  };
  core::Value metadata = core::Dict{};
  metadata.set("sampling_rate", text(audio::kSampleRateHz));
  metadata.set("max_length", text(options.frames));
  metadata.set("num_mel_bins", text(kMelBins));
  metadata.set("valid_frames", text(features.valid_frames));
  metadata.set("do_normalize", options.normalise ? "true" : "false");
  metadata.set("mean", text(options.mean));
  metadata.set("std", text(options.std));
  metadata.set("wakebuilder_version", std::string(version()));
  const core::Shape shape = {static_cast<std::int64_t>(features.frames),
                             static_cast<std::int64_t>(kMelBins)};
  core::Value root = core::Dict{};
  root.set("input_values", core::Tensor::from(std::move(features.values), shape));
  return checkpoint::write_safetensors(file, root, metadata);
}

Result<void> write_png(core::StagedFile& file, Features features, const FeatureOptions& options) {
  features.values.resize(features.valid_frames * kMelBins);
  WAKEBUILDER_TRY(const std::string picture,
                  audio::spectrogram_png(features.values, options.normalise ? 2 * options.std : 1));
  return file.write(picture);
}

Result<Writer> writer_for(const fs::path& output) {
  const std::string ending = output.extension().string();
  if (ending == ".npy") return write_npy;
  if (ending == ".safetensors") return write_safetensors;
  if (ending == ".png") return write_png;
  return fail(ErrorCode::kInvalidArgument,
              core::shown(output) + ": expected a name that ends in .npy, .safetensors or .png");
}

/// As many frames as are wanted, and no more of the recording.
Result<Features> read_features(const fs::path& recording, const FeatureOptions& options) {
  WAKEBUILDER_TRY(const auto extractor, audio::FeatureExtractor::create(options));
  WAKEBUILDER_TRY(auto reader, audio::AudioReader::open(recording));
  audio::FeatureStream stream(options);
  std::array<float, 4096> piece{};
  std::vector<float> rows;
  while (stream.frames() < options.frames) {
    WAKEBUILDER_TRY(const std::size_t count, reader.read(piece));
    if (count == 0) break;
    if (auto pushed = stream.push(std::span(piece).first(count), rows); !pushed)
      return fail_in(core::shown(recording), std::move(pushed).error());
  }
  if (stream.frames() == 0) {
    return fail(ErrorCode::kInvalidArgument,
                core::shown(recording) +
                    ": is too short: expected at least 400 samples at 16 kHz (25 ms), found " +
                    std::to_string(stream.samples()));
  }
  return extractor.pad(std::move(rows));
}

}  // namespace

Result<FeaturesReport> extract_features(const fs::path& recording, const fs::path& output,
                                        const FeatureOptions& options) {
  WAKEBUILDER_TRY(const Writer write, writer_for(output));
  WAKEBUILDER_TRY(Features features, read_features(recording, options));
  const std::size_t samples =
      (features.valid_frames - 1) * audio::kFrameShift + audio::kFrameLength;
  FeaturesReport report{.output = output,
                        .frames = features.frames,
                        .mel_bins = kMelBins,
                        .valid_frames = features.valid_frames,
                        .seconds = static_cast<double>(samples) / audio::kSampleRateHz,
                        .bytes = 0};
  WAKEBUILDER_TRY(auto staged, core::StagedFile::create(output));
  WAKEBUILDER_CHECK(write(staged, std::move(features), options));
  WAKEBUILDER_CHECK(staged.publish());
  std::error_code error;
  report.bytes = fs::file_size(output, error);
  return report;
}

}  // namespace wakebuilder::pipeline
