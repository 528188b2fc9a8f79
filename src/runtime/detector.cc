#include "wakebuilder/runtime/detector.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "wakebuilder/audio/features.h"
#include "wakebuilder/core/probability.h"
#include "wakebuilder/core/text.h"

#include "runtime/gate.h"
#include "runtime/listener.h"

namespace wakebuilder::runtime {
namespace {

constexpr std::uint64_t kShift = audio::kFrameShift;
constexpr std::uint64_t kLength = audio::kFrameLength;

/// Samples that go through in one piece, so that a long push needs little memory.
constexpr std::size_t kPiece = 16'000;

/// The time of the last sample of a window, as in the text at the head of detector.h.
double end_of_window(const Hearing& hearing, std::uint64_t hop) {
  const auto first = hop * static_cast<std::uint64_t>(hearing.hop_frames);
  const std::uint64_t last = first + static_cast<std::uint64_t>(hearing.window_frames) - 1;
  return static_cast<double>(last * kShift + kLength) / audio::kSampleRateHz;
}

/// One wake word's way from scores to a decision.
class Judge {
 public:
  explicit Judge(const Decision& decision) : decision_(decision) {}

  /// Nothing: the gate was closed.
  double smooth(std::optional<double> difference) {
    if (!difference) {
      last_.clear();
      return 0;
    }
    last_.push_back(*difference);
    if (last_.size() > decision_.smoothing) last_.pop_front();
    double sum = 0;
    for (const double value : last_) sum += value;
    return core::logistic(sum / static_cast<double>(last_.size()));
  }

  /// A word stays in the window for a second and more: only the rise to the threshold counts.
  bool is_detection(double time_s, double smoothed) {
    const bool was_above = std::exchange(is_above_, smoothed >= decision_.threshold);
    if (!is_above_ || (was_above && is_told_)) return false;
    is_told_ = !heard_s_ || time_s - *heard_s_ >= decision_.refractory_s;
    if (is_told_) heard_s_ = time_s;
    return is_told_;
  }

  void reset() {
    last_.clear();
    heard_s_.reset();
    is_above_ = false;
    is_told_ = false;
  }

 private:
  Decision decision_;
  std::deque<double> last_;        ///< differences of logits
  std::optional<double> heard_s_;  ///< time of the last detection
  bool is_above_ = false;          ///< the threshold
  bool is_told_ = false;           ///< since it rose above
};

/// Models that hear the same: samples, or the same features.
struct Group {
  std::optional<audio::FeatureStream> features;  ///< none: samples
  double mean = 0, std = 0;
  std::vector<std::size_t> listeners;
};

Result<void> check_finite(std::span<const float> samples, std::uint64_t before) {
  const auto bad = std::ranges::find_if(samples, [](float x) { return !std::isfinite(x); });
  if (bad == samples.end()) return {};
  const auto at = before + static_cast<std::uint64_t>(bad - samples.begin());
  return fail(ErrorCode::kInvalidArgument,
              "expected finite samples, found " + core::to_text(static_cast<double>(*bad)) +
                  " at " + core::to_text(static_cast<double>(at) / audio::kSampleRateHz) + " s");
}

}  // namespace

class Detector::Impl {
 public:
  explicit Impl(const DetectorOptions& options, std::size_t window_frames) {
    if (options.gate_dbfs)
      gate_.emplace(*options.gate_dbfs, window_frames + 2 * kPiece / kShift + kLength);
  }

  Result<void> add(WakeModel model) {
    const std::size_t index = listeners_.size();
    Listener::Audible audible;
    if (gate_) audible = [this, hearing = model.hearing](auto hop) { return hears(hearing, hop); };
    WAKEBUILDER_TRY(auto listener, Listener::create(std::move(model), std::move(audible)));
    first_word_.push_back(words_.size());
    for (const WakeWord& word : listener.words()) {
      words_.push_back(word);
      judges_.emplace_back(word.decision);
    }
    group_of(listener.hearing()).listeners.push_back(index);
    listeners_.push_back(std::move(listener));
    return {};
  }

  Result<std::vector<Detection>> push(std::span<const float> samples) {
    WAKEBUILDER_CHECK(check_finite(samples, samples_));
    scores_.clear();
    while (!samples.empty()) {
      const auto piece = samples.first(std::min(samples.size(), kPiece));
      samples = samples.subspan(piece.size());
      samples_ += piece.size();
      if (gate_) gate_->push(piece);
      for (Group& group : groups_) WAKEBUILDER_CHECK(push(group, piece));
    }
    return judge();
  }

  Result<std::vector<Detection>> finish() {
    scores_.clear();
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      answers_.clear();
      WAKEBUILDER_CHECK(listeners_[i].finish(answers_));
      note(i);
    }
    return judge();
  }

  void reset() {
    for (Group& group : groups_)
      if (group.features) group.features->reset();
    for (Listener& listener : listeners_) listener.reset();
    for (Judge& judge : judges_) judge.reset();
    if (gate_) gate_->reset();
    samples_ = 0;
    scores_.clear();
  }

  const std::vector<WakeWord>& words() const { return words_; }
  std::span<const Score> scores() const { return scores_; }
  std::uint64_t samples() const { return samples_; }

 private:
  Group& group_of(const Hearing& hearing) {
    const auto same = [&](const Group& group) {
      return group.features.has_value() != hearing.waveform &&
             (hearing.waveform ||
              (group.mean == hearing.feature_mean && group.std == hearing.feature_std));
    };
    const auto found = std::ranges::find_if(groups_, same);
    if (found != groups_.end()) return *found;
    Group group{
        .features = {}, .mean = hearing.feature_mean, .std = hearing.feature_std, .listeners = {}};
    if (!hearing.waveform)
      group.features.emplace(audio::FeatureOptions{.mean = group.mean, .std = group.std});
    groups_.push_back(std::move(group));
    return groups_.back();
  }

  Result<void> push(Group& group, std::span<const float> samples) {
    std::span<const float> values = samples;
    if (group.features) {
      frames_.clear();
      WAKEBUILDER_CHECK(group.features->push(samples, frames_));
      values = frames_;
    }
    for (const std::size_t index : group.listeners) {
      answers_.clear();
      WAKEBUILDER_CHECK(listeners_[index].push(values, answers_));
      note(index);
    }
    return {};
  }

  bool hears(const Hearing& hearing, std::uint64_t hop) const {
    const auto first = hop * static_cast<std::uint64_t>(hearing.hop_frames);
    // The frames of a window, and the one more block that the last of them covers whole.
    return gate_->was_loud(first, static_cast<std::uint64_t>(hearing.window_frames) + 1);
  }

  /// Scores of the answers of one listener.
  void note(std::size_t listener) {
    for (const Answer& answer : answers_) {
      const double time_s = end_of_window(listeners_[listener].hearing(), answer.hop);
      for (std::size_t i = 0; i < listeners_[listener].words().size(); ++i) {
        const std::size_t word = first_word_[listener] + i;
        std::optional<double> difference;
        if (!answer.logits.empty()) difference = static_cast<double>(answer.logits[i]);
        scores_.push_back({.word = word,
                           .hop = answer.hop,
                           .time_s = time_s,
                           .probability = difference ? core::logistic(*difference) : 0,
                           .smoothed = judges_[word].smooth(difference)});
      }
    }
  }

  std::vector<Detection> judge() {
    std::ranges::stable_sort(scores_, {}, &Score::time_s);
    std::vector<Detection> detections;
    for (const Score& score : scores_) {
      if (!judges_[score.word].is_detection(score.time_s, score.smoothed)) continue;
      detections.push_back({.word = score.word,
                            .time_s = score.time_s,
                            .score = score.smoothed,
                            .model = words_[score.word].model});
    }
    return detections;
  }

  std::vector<Listener> listeners_;
  std::vector<std::size_t> first_word_;  ///< of each listener
  std::vector<WakeWord> words_;
  std::vector<Judge> judges_;  ///< of each word
  std::vector<Group> groups_;
  std::optional<Gate> gate_;
  std::uint64_t samples_ = 0;
  std::vector<Score> scores_;
  std::vector<float> frames_;    ///< of the newest piece
  std::vector<Answer> answers_;  ///< of one listener to it
};

Detector::Detector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;
Detector::~Detector() = default;

Result<Detector> Detector::create(std::vector<WakeModel> models, const DetectorOptions& options) {
  if (models.empty())
    return fail(ErrorCode::kInvalidArgument, "expected a model to listen with, found none");
  if (options.gate_dbfs && !(*options.gate_dbfs >= -200 && *options.gate_dbfs <= 0)) {
    return fail(
        ErrorCode::kInvalidArgument,
        "gate: expected -200 to 0 dB under full scale, found " + core::to_text(*options.gate_dbfs));
  }
  std::int64_t window = 0;
  for (const WakeModel& model : models) window = std::max(window, model.hearing.window_frames);
  auto impl = std::make_unique<Impl>(options, static_cast<std::size_t>(window));
  for (WakeModel& model : models) WAKEBUILDER_CHECK(impl->add(std::move(model)));
  return Detector(std::move(impl));
}

const std::vector<WakeWord>& Detector::words() const { return impl_->words(); }
Result<std::vector<Detection>> Detector::push(std::span<const float> samples) {
  return impl_->push(samples);
}
Result<std::vector<Detection>> Detector::finish() { return impl_->finish(); }
std::span<const Score> Detector::scores() const { return impl_->scores(); }
std::uint64_t Detector::samples() const { return impl_->samples(); }
void Detector::reset() { impl_->reset(); }

}  // namespace wakebuilder::runtime
