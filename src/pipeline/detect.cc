#include "wakebuilder/pipeline/detect.h"

#include <algorithm>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::pipeline {
namespace {

void note(const runtime::Score& score, DetectReport& report) {
  WordReport& word = report.words[score.word];
  word.score = std::max(word.score, score.smoothed);
  if (!report.with_scores) return;
  word.times_s.push_back(score.time_s);
  word.scores.push_back(score.probability);
}

/// What one push brought.
Result<void> take(const runtime::Detector& detector, std::vector<runtime::Detection> detections,
                  const DetectObserver& observer, DetectReport& report) {
  for (const runtime::Score& score : detector.scores()) {
    note(score, report);
    if (observer.on_score) observer.on_score(score);
  }
  for (runtime::Detection& detection : detections) {
    report.detections.push_back(std::move(detection));
    if (observer.on_detection) WAKEBUILDER_CHECK(observer.on_detection(report.detections.back()));
  }
  return {};
}

Result<void> listen_to_all(runtime::Detector& detector, audio::SoundSource& source,
                           const DetectObserver& observer, DetectReport& report) {
  while (true) {
    WAKEBUILDER_TRY(const auto samples, source.next());
    if (samples.empty()) break;
    if (observer.on_sound) observer.on_sound(samples);
    WAKEBUILDER_TRY(auto detections, detector.push(samples));
    report.dropped = source.dropped();
    report.seconds = static_cast<double>(detector.samples()) / audio::kSampleRateHz;
    WAKEBUILDER_CHECK(take(detector, std::move(detections), observer, report));
  }
  if (detector.samples() < audio::kFrameLength) {
    return fail(ErrorCode::kUnsupported, core::quote(source.name(), 400) +
                                             ": expected at least 400 samples at 16 kHz, found " +
                                             std::to_string(detector.samples()));
  }
  WAKEBUILDER_TRY(auto detections, detector.finish());
  return take(detector, std::move(detections), observer, report);
}

}  // namespace

double DetectReport::score() const {
  double highest = 0;
  for (const WordReport& word : words) highest = std::max(highest, word.score);
  return highest;
}

Result<void> detect(runtime::Detector& detector, audio::SoundSource& source, bool keep_scores,
                    const DetectObserver& observer, DetectReport& report) {
  detector.reset();
  report = {.file = source.name(),
            .seconds = 0,
            .dropped = 0,
            .with_scores = keep_scores,
            .words = {},
            .detections = {}};
  for (const runtime::WakeWord& word : detector.words())
    report.words.push_back({.model = word.model, .score = 0, .times_s = {}, .scores = {}});
  return listen_to_all(detector, source, observer, report);
}

}  // namespace wakebuilder::pipeline
