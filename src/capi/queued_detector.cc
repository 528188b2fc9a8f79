#include "capi/queued_detector.h"

#include <algorithm>
#include <array>
#include <utility>

#include "wakebuilder/wakebuilder.h"

namespace wakebuilder::capi {
namespace {

/// Samples of 16 bits that are turned into numbers at once.
constexpr std::size_t kPiece = 4096;

constexpr float kFullScale = 32768;

float to_number(std::int16_t sample) { return static_cast<float>(sample) / kFullScale; }

std::vector<std::string> remarks_on(const std::vector<pipeline::ListenMode>& modes,
                                    const std::vector<pipeline::ProviderReport>& providers) {
  std::vector<std::string> remarks;
  for (const pipeline::ListenMode& mode : modes)
    if (!mode.remark.empty()) remarks.push_back(mode.model + ": " + mode.remark);
  for (const pipeline::ProviderReport& report : providers)
    remarks.insert(remarks.end(), report.fallbacks.begin(), report.fallbacks.end());
  return remarks;
}

/// The index of the word of each model, in the order in which the models were opened.
std::vector<std::size_t> words_of_models(const std::vector<pipeline::ListenMode>& models,
                                         const std::vector<runtime::WakeWord>& words) {
  std::vector<std::size_t> indices;
  for (const pipeline::ListenMode& mode : models) {
    const auto found = std::ranges::find(words, mode.model, &runtime::WakeWord::model);
    indices.push_back(static_cast<std::size_t>(found - words.begin()));
  }
  return indices;
}

std::vector<std::size_t> inverse(const std::vector<std::size_t>& indices) {
  std::vector<std::size_t> inverted(indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i) inverted.at(indices[i]) = i;
  return inverted;
}

}  // namespace

Result<QueuedDetector> QueuedDetector::open(std::span<const pipeline::ListenTarget> models,
                                            const pipeline::ListenOptions& options) {
  WAKEBUILDER_TRY(auto listening, pipeline::listen(models, options));
  return QueuedDetector(std::move(listening));
}

QueuedDetector::QueuedDetector(pipeline::Listening listening)
    : detector_(std::move(listening.detector)),
      remarks_(remarks_on(listening.modes, listening.providers)),
      word_of_model_(words_of_models(listening.modes, detector_.words())),
      model_of_word_(inverse(word_of_model_)),
      scores_(word_of_model_.size()) {}

Result<int> QueuedDetector::push(std::span<const float> samples) {
  WAKEBUILDER_CHECK(expect_listening());
  WAKEBUILDER_CHECK(hear(samples));
  return waiting();
}

Result<int> QueuedDetector::push(std::span<const std::int16_t> samples) {
  WAKEBUILDER_CHECK(expect_listening());
  std::array<float, kPiece> numbers{};
  while (!samples.empty()) {
    const auto piece = samples.first(std::min(samples.size(), kPiece));
    samples = samples.subspan(piece.size());
    std::ranges::transform(piece, numbers.begin(), to_number);
    WAKEBUILDER_CHECK(hear(std::span<const float>(numbers).first(piece.size())));
  }
  return waiting();
}

Result<int> QueuedDetector::finish() {
  if (state_ == State::kFinished) return waiting();
  WAKEBUILDER_CHECK(expect_listening());
  state_ = State::kBroken;
  WAKEBUILDER_TRY(const auto detections, detector_.finish());
  queue(detections);
  state_ = State::kFinished;
  return waiting();
}

void QueuedDetector::reset() {
  detector_.reset();
  std::ranges::fill(scores_, 0);
  waiting_.clear();
  dropped_ = 0;
  state_ = State::kListening;
}

Heard QueuedDetector::take() {
  const Heard oldest = waiting_.front();
  waiting_.pop_front();
  return oldest;
}

Result<const runtime::WakeWord*> QueuedDetector::word(std::size_t model) const {
  WAKEBUILDER_CHECK(expect_model(model));
  return &detector_.words()[word_of_model_[model]];
}

Result<double> QueuedDetector::score(std::size_t model) const {
  WAKEBUILDER_CHECK(expect_model(model));
  return scores_[model];
}

Result<void> QueuedDetector::expect_listening() const {
  if (state_ == State::kListening) return {};
  return fail(ErrorCode::kInvalidArgument,
              std::string("expected wakebuilder_reset() after ") +
                  (state_ == State::kFinished ? "wakebuilder_finish()" : "an error") +
                  ", found more sound");
}

Result<void> QueuedDetector::expect_model(std::size_t model) const {
  if (model < scores_.size()) return {};
  return fail(ErrorCode::kInvalidArgument, "model_index: expected less than " +
                                               std::to_string(scores_.size()) + ", found " +
                                               std::to_string(model));
}

Result<void> QueuedDetector::hear(std::span<const float> samples) {
  state_ = State::kBroken;  // what an exception leaves
  const auto detections = detector_.push(samples);
  const bool is_refused = !detections && detections.error().code == ErrorCode::kInvalidArgument;
  if (is_refused) state_ = State::kListening;
  if (!detections) return fail(detections.error());
  queue(*detections);
  state_ = State::kListening;
  return {};
}

/// What the newest sound brought.
void QueuedDetector::queue(const std::vector<runtime::Detection>& detections) {
  for (const runtime::Score& score : detector_.scores())
    scores_[model_of_word_[score.word]] = score.smoothed;
  for (const runtime::Detection& detection : detections) {
    waiting_.push_back({.model = model_of_word_[detection.word],
                        .time_s = detection.time_s,
                        .score = detection.score});
    if (waiting_.size() <= WAKEBUILDER_MAX_WAITING) continue;
    waiting_.pop_front();
    ++dropped_;
  }
}

}  // namespace wakebuilder::capi
