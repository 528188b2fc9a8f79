#include "wakebuilder/pipeline/detection_clips.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <system_error>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/audio/wav.h"
#include "wakebuilder/core/file.h"

namespace wakebuilder::pipeline {
namespace {

constexpr std::uint64_t kBefore = 28'800;  ///< samples up to the end of the window
constexpr std::uint64_t kBehind = 3'200;
/// A detection comes at most one push after its window.
constexpr std::size_t kKept = 5 * kBefore;

/// "0012.480": sorts as time does for nearly three hours.
std::string time_in_name(double time_s) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%08.3f", time_s);
  return text.data();
}

}  // namespace

Result<DetectionClips> DetectionClips::create(const std::filesystem::path& folder,
                                              const std::string& source) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail(ErrorCode::kIo,
                core::shown(folder) + ": cannot be made a folder: " + error.message());
  }
  return DetectionClips(folder, source);
}

Result<void> DetectionClips::push(std::span<const float> samples) {
  kept_.insert(kept_.end(), samples.begin(), samples.end());
  heard_ += samples.size();
  const auto is_open = [&](const Waiting& clip) { return clip.end > heard_; };
  const auto ready = std::stable_partition(waiting_.begin(), waiting_.end(), is_open);
  for (auto clip = ready; clip != waiting_.end(); ++clip) WAKEBUILDER_CHECK(write(*clip));
  waiting_.erase(ready, waiting_.end());
  if (kept_.size() > 2 * kKept + samples.size())
    kept_.erase(kept_.begin(), kept_.end() - static_cast<std::ptrdiff_t>(kKept + samples.size()));
  return {};
}

void DetectionClips::add(const runtime::Detection& detection) {
  const auto window_end =
      static_cast<std::uint64_t>(std::llround(detection.time_s * audio::kSampleRateHz));
  waiting_.push_back({.first = window_end > kBefore ? window_end - kBefore : 0,
                      .end = window_end + kBehind,
                      .path = folder_ / (source_ + "-" + detection.model + "-" +
                                         time_in_name(detection.time_s) + "s.wav")});
}

Result<void> DetectionClips::finish() {
  for (const Waiting& clip : waiting_) WAKEBUILDER_CHECK(write(clip));
  waiting_.clear();
  return {};
}

Result<void> DetectionClips::write(const Waiting& clip) {
  const std::uint64_t oldest = heard_ - kept_.size();
  const std::uint64_t first = std::clamp(clip.first, oldest, heard_);
  const std::uint64_t end = std::clamp(clip.end, first, heard_);
  const auto samples = std::span<const float>(kept_).subspan(
      static_cast<std::size_t>(first - oldest), static_cast<std::size_t>(end - first));
  WAKEBUILDER_CHECK(audio::write_wav(clip.path, samples));
  written_.push_back(clip.path);
  return {};
}

}  // namespace wakebuilder::pipeline
