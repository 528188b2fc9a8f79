#include "pipeline/held_out.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/probability.h"
#include "wakebuilder/corpus/augment.h"
#include "wakebuilder/corpus/window.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/runtime/wake_model.h"

#include "pipeline/frozen_encoder.h"
#include "pipeline/shared_work.h"

namespace wakebuilder::pipeline {
namespace {

using Runtime = std::shared_ptr<const runtime::OnnxRuntime>;

constexpr std::int64_t kClipFrames = 352;   ///< around a single word
constexpr std::int64_t kBehindFrames = 56;  ///< of a clip, behind its word
constexpr std::int64_t kStreamPart = 3008;  ///< frames of a part of the stream
constexpr std::int64_t kSection = 376;      ///< of a part, with one kind of speech
constexpr std::size_t kSections = kStreamPart / kSection;
constexpr std::size_t kSmoothed = 3;
const std::int64_t kWindowTokens = model::tokens_of(model::kStreamFrames);
constexpr std::int64_t kHopTokens = model::kHopFrames / model::kEmbeddingFrameStride;

std::int64_t hops_of(std::int64_t frames) {
  return (model::tokens_of(frames) - kWindowTokens) / kHopTokens + 1;
}

double seconds_of_hop(std::size_t hop) {
  const auto frames = model::kStreamFrames + static_cast<std::int64_t>(hop) * model::kHopFrames;
  return static_cast<double>(frames) / 100;
}

/// Scores of sound of a certain length. Not to be used by two threads at once.
class Scorer {
 public:
  static Result<Scorer> create(const Runtime& runtime, const model::CompactClassifier& network,
                               std::int64_t frames) {
    WAKEBUILDER_TRY(auto tokens, EncoderRun::create(runtime, tokens_encoder(network, frames)));
    const std::string bytes = onnx::serialize(onnx::build_head(network, onnx::kDefaultOpset));
    WAKEBUILDER_TRY(auto session, runtime::Session::open(runtime, std::as_bytes(std::span(bytes))));
    const std::int64_t hops = hops_of(frames);
    WAKEBUILDER_TRY(auto head,
                    runtime::BoundRun::create(
                        std::move(session),
                        {{.name = "tokens", .shape = {hops, model::kEmbeddingDim, kWindowTokens}},
                         {.name = "mask", .shape = {hops, 1, kWindowTokens}}},
                        {{.name = "logits", .shape = {hops, model::kClasses}}}));
    std::ranges::fill(head.input(1), 1.0F);
    return Scorer(std::move(tokens), std::move(head), frames);
  }

  /// @param log_mel  [frames, 128]
  Result<Trace> score(std::span<const float> log_mel) {
    WAKEBUILDER_TRY(const auto tokens, tokens_.run(log_mel));
    spread(tokens);
    WAKEBUILDER_CHECK(head_.run());
    return smoothed(head_.output(0));
  }

 private:
  Scorer(EncoderRun tokens, runtime::BoundRun head, std::int64_t frames)
      : tokens_(std::move(tokens)), head_(std::move(head)), frames_(frames) {}

  /// Tokens [96, N] to windows of them [hops, 96, 11].
  void spread(std::span<const float> tokens) {
    const auto all = static_cast<std::size_t>(model::tokens_of(frames_));
    const auto count = static_cast<std::size_t>(kWindowTokens);
    float* target = head_.input(0).data();
    for (std::int64_t hop = 0; hop < hops_of(frames_); ++hop)
      for (std::size_t channel = 0; channel < model::kEmbeddingDim; ++channel) {
        const auto first = channel * all + static_cast<std::size_t>(hop * kHopTokens);
        target = std::ranges::copy(tokens.subspan(first, count), target).out;
      }
  }

  static Trace smoothed(std::span<const float> logits) {
    Trace trace;
    for (std::size_t hop = 0; hop < logits.size() / model::kClasses; ++hop) {
      double sum = 0;
      const std::size_t count = std::min(hop + 1, kSmoothed);
      for (std::size_t i = hop + 1 - count; i <= hop; ++i)
        sum += static_cast<double>(logits[2 * i + 1]) - static_cast<double>(logits[2 * i]);
      const double mean = sum / static_cast<double>(count);
      trace.push_back({.time_s = seconds_of_hop(hop), .score = core::logistic(mean)});
    }
    return trace;
  }

  EncoderRun tokens_;
  runtime::BoundRun head_;
  std::int64_t frames_;
};

corpus::Frames silence(std::int64_t frames) {
  const auto silent = static_cast<float>(audio::kLogMelFloor);
  corpus::Frames result(static_cast<std::size_t>(frames) * corpus::kBins, silent);
  return result;
}

/// One word, half of the time said with gaps, and nothing around it but the room.
corpus::Frames clip_of(const corpus::Place& place, const corpus::Augmenter& augmenter,
                       corpus::Random& random) {
  constexpr double kCareful = 0.5;
  constexpr double kLengthened = 0.6;
  corpus::Frames piece = place.unpack();
  if (random.chance(kCareful)) piece = corpus::with_gaps(piece, kLengthened, random);
  corpus::Frames clip = silence(kClipFrames);
  const std::size_t room = clip.size() - kBehindFrames * corpus::kBins;
  const std::size_t count = std::min(piece.size(), room);
  std::copy_n(piece.begin(), count, clip.begin() + static_cast<std::ptrdiff_t>(room - count));
  augmenter.augment(clip, random);
  return clip;
}

/// Speech without the wake word, in sections of one kind each, in one room.
struct StreamPart {
  corpus::Frames frames;
  std::vector<std::string> texts;  ///< of its sections
};

StreamPart part_of_stream(const corpus::WindowComposer& composer,
                          const corpus::Augmenter& augmenter, corpus::Random& random) {
  StreamPart part{.frames = silence(kStreamPart), .texts = {}};
  const auto section = static_cast<std::size_t>(kSection) * corpus::kBins;
  for (std::size_t at = 0; at < part.frames.size(); at += section)
    part.texts.push_back(
        composer.compose(std::span(part.frames).subspan(at, section), random).text);
  augmenter.augment(part.frames, random);
  return part;
}

/// The highest score of each section; a window that ends early in the next one still heard it.
std::vector<ScoredText> by_section(const Trace& trace, const std::vector<std::string>& texts) {
  constexpr double kLateS = 0.3;
  std::vector<ScoredText> sections;
  sections.reserve(texts.size());
  for (const std::string& text : texts) sections.push_back({.text = text, .voice = "", .score = 0});
  for (const ScorePoint& point : trace) {
    const double section = std::max(0.0, point.time_s - kLateS) * 100 / kSection;
    ScoredText& heard = sections[std::min(sections.size() - 1, static_cast<std::size_t>(section))];
    heard.score = std::max(heard.score, point.score);
  }
  return sections;
}

corpus::WindowOptions without_word() {
  corpus::WindowOptions options;
  options.frames = kSection;
  options.with_word = 0;
  options.near = 0.01;
  options.isolated = 0.15;
  options.parts = 0;
  options.quiet = 0.1;
  return options;
}

corpus::AugmentOptions rooms() {
  corpus::AugmentOptions options;
  options.tract = 0.1;
  options.jitter = 0.1;
  options.equaliser_db = 2;
  options.tilt_db = 4;
  options.noisy = 0.5;
  options.noise_db = {10, 30};
  options.second_db = {15, 45};
  options.mask_bins = 0;
  options.mask_frames = 0;
  options.cut = 0;
  return options;
}

/// What a thread hears with.
struct Ears {
  Scorer clips, parts;

  static Result<Ears> create(const Runtime& runtime, const model::CompactClassifier& network) {
    WAKEBUILDER_TRY(auto clips, Scorer::create(runtime, network, kClipFrames));
    WAKEBUILDER_TRY(auto parts, Scorer::create(runtime, network, kStreamPart));
    return Ears{std::move(clips), std::move(parts)};
  }
};

/// The scores of one call, in this order: clips of words, of others, parts of the stream, and of
/// the user's sound. Threads fill in different ones.
class Listening {
 public:
  Listening(const HeldOutSpeech& speech, const std::vector<corpus::Frames>& noises,
            const HeldOutOptions& options)
      : speech_(speech),
        seed_(options.seed),
        composer_(speech.bank, without_word()),
        augmenter_(noises, rooms()) {
    const auto parts = static_cast<std::size_t>(
        std::ceil(options.hours * kFramesPerHour /
                  static_cast<double>(hops_of(kStreamPart) * model::kHopFrames)));
    scores_.words.resize(speech.words.size());
    scores_.others.resize(speech.others.size());
    scores_.stream.resize(parts);
    scores_.own.resize(speech.negatives.size());
    scores_.sections.resize(parts * kSections);
  }

  std::size_t pieces() const {
    return scores_.words.size() + scores_.others.size() + scores_.stream.size() +
           scores_.own.size();
  }

  Result<void> fill_in(std::size_t piece, Ears& ears) {
    corpus::Random random(seed_, piece);
    if (piece < speech_.words.size())
      return score_clip(speech_.words[piece], ears.clips, random, scores_.words[piece]);
    piece -= speech_.words.size();
    if (piece < speech_.others.size())
      return score_clip(speech_.others[piece], ears.clips, random, scores_.others[piece]);
    piece -= speech_.others.size();
    if (piece >= scores_.stream.size()) {
      const std::size_t own = piece - scores_.stream.size();
      WAKEBUILDER_TRY(scores_.own[own], ears.parts.score(speech_.negatives[own]));
      return {};
    }
    const StreamPart part = part_of_stream(composer_, augmenter_, random);
    WAKEBUILDER_TRY(scores_.stream[piece], ears.parts.score(part.frames));
    std::ranges::copy(by_section(scores_.stream[piece], part.texts),
                      scores_.sections.begin() + static_cast<std::ptrdiff_t>(piece * kSections));
    return {};
  }

  HeldOutScores finish() {
    const auto hours = [](const std::vector<Trace>& parts) {
      const auto frames = static_cast<double>(hops_of(kStreamPart) * model::kHopFrames);
      return static_cast<double>(parts.size()) * frames / kFramesPerHour;
    };
    scores_.hours = hours(scores_.stream);
    scores_.own_hours = hours(scores_.own);
    return std::move(scores_);
  }

 private:
  Result<void> score_clip(const corpus::Place& place, Scorer& scorer, corpus::Random& random,
                          ScoredText& result) const {
    WAKEBUILDER_TRY(const auto trace, scorer.score(clip_of(place, augmenter_, random)));
    result = {.text = place.piece().text, .voice = place.piece().group, .score = highest(trace)};
    return {};
  }

  const HeldOutSpeech& speech_;
  std::uint64_t seed_;
  corpus::WindowComposer composer_;
  corpus::Augmenter augmenter_;
  HeldOutScores scores_;
};

// ---- the threshold ----

double share_of(std::size_t part, std::size_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

std::vector<double> highest_of(const std::vector<ScoredText>& texts) {
  std::vector<double> scores;
  scores.reserve(texts.size());
  for (const ScoredText& text : texts) scores.push_back(text.score);
  return scores;
}

/// Rates on the synthetic stream, in hours of everyday sound, and on the user's own.
class Rates {
 public:
  explicit Rates(const HeldOutScores& scores)
      : synthetic_(highest_of(scores.words), scores.stream, scores.hours * kEverydayHours) {
    if (!scores.own.empty()) own_.emplace(highest_of(scores.words), scores.own, scores.own_hours);
    hours_ = {scores.hours * kEverydayHours, scores.own_hours};
  }

  /// The lowest threshold that keeps the rate on both.
  double threshold(double per_hour) const {
    const double synthetic = synthetic_.at(per_hour).threshold;
    return own_ ? std::max(synthetic, own_->at(per_hour).threshold) : synthetic;
  }

  double per_hour(double threshold) const {
    const double synthetic = static_cast<double>(synthetic_.events(threshold)) / hours_[0];
    return own_ ? std::max(synthetic, static_cast<double>(own_->events(threshold)) / hours_[1])
                : synthetic;
  }

 private:
  ErrorRates synthetic_;
  std::optional<ErrorRates> own_;
  std::array<double, 2> hours_{};
};

ThresholdPoint at(double threshold, const Rates& rates, const HeldOutScores& scores) {
  const auto is_missed = [&](const ScoredText& word) { return word.score < threshold; };
  const auto is_heard = [&](const Trace& trace) { return highest(trace) >= threshold; };
  const auto missed = static_cast<std::size_t>(std::ranges::count_if(scores.words, is_missed));
  const auto heard = static_cast<std::size_t>(std::ranges::count_if(scores.stream, is_heard) +
                                              std::ranges::count_if(scores.own, is_heard));
  const std::size_t words = scores.words.size();
  const std::size_t parts = scores.stream.size() + scores.own.size();
  const std::size_t found = words - missed;
  ThresholdPoint point{.threshold = threshold};
  point.false_accepts_per_hour = rates.per_hour(threshold);
  point.far = share_of(heard, parts);
  point.frr = share_of(missed, words);
  point.accuracy = share_of(found + parts - heard, words + parts);
  point.precision = share_of(found, found + heard);
  point.recall = share_of(found, words);
  const double sum = point.precision + point.recall;
  point.f1 = sum > 0 ? 2 * point.precision * point.recall / sum : 0;
  return point;
}

constexpr std::size_t kExamples = 30;

/// The highest score of each text, the highest first.
std::vector<ScoredText> most_confused(std::vector<ScoredText> others) {
  std::ranges::sort(others, std::greater(), &ScoredText::score);
  std::vector<ScoredText> chosen;
  for (ScoredText& other : others) {
    if (chosen.size() == kExamples) break;
    if (std::ranges::find(chosen, other.text, &ScoredText::text) == chosen.end())
      chosen.push_back(std::move(other));
  }
  return chosen;
}

}  // namespace

void cut_into_parts(corpus::Frames& frames, std::vector<corpus::Frames>& parts) {
  constexpr std::size_t kPart = static_cast<std::size_t>(kStreamPart) * corpus::kBins;
  while (frames.size() >= kPart) {
    const auto end = frames.begin() + kPart;
    parts.emplace_back(frames.begin(), end);
    frames.erase(frames.begin(), end);
  }
}

Result<HeldOutScores> score_held_out(const model::CompactClassifier& network,
                                     const HeldOutSpeech& speech,
                                     const std::vector<corpus::Frames>& noises,
                                     const Runtime& runtime, const HeldOutOptions& options) {
  Listening listening(speech, noises, options);
  const auto tell = [&](std::size_t done, std::size_t all) {
    return !options.on_progress ||
           options.on_progress(static_cast<double>(done) / static_cast<double>(all));
  };
  WAKEBUILDER_CHECK(share_work(
      {.pieces = listening.pieces(), .threads = options.threads, .on_progress = tell},
      [&] { return Ears::create(runtime, network); },
      [&](Ears& ears, std::size_t piece) { return listening.fill_in(piece, ears); }));
  return listening.finish();
}

void choose_threshold(const HeldOutScores& scores, double false_accepts_per_hour,
                      TrainingRecord& record) {
  const Rates rates(scores);
  // In digits that people like to read; upwards, so that the rate holds.
  constexpr double kDigits = 1000;
  const double exact = rates.threshold(false_accepts_per_hour);
  record.threshold = std::clamp(std::floor(exact * kDigits + 1) / kDigits, 0.1, 0.999);
  record.wanted_per_hour = false_accepts_per_hour;
  record.negative_hours = scores.hours + scores.own_hours;
  // With none in so many hours the rate is below 3 / hours, with a confidence of 95 %.
  constexpr double kRuleOfThree = 3;
  const double everyday = scores.own.empty() ? scores.hours * kEverydayHours : scores.own_hours;
  record.everyday_hours = everyday;
  record.rate_is_shown = false_accepts_per_hour * everyday >= kRuleOfThree;
  std::vector<double> thresholds = {record.threshold};
  for (int i = 1; i < 100; ++i) thresholds.push_back(i / 100.0);
  for (const double high : {0.993, 0.995, 0.997, 0.998, 0.999}) thresholds.push_back(high);
  std::ranges::sort(thresholds);
  record.threshold_analysis.clear();
  for (const double threshold : thresholds)
    record.threshold_analysis.push_back(at(threshold, rates, scores));
  record.positive_scores = highest_of(scores.words);
  record.negative_scores.clear();
  for (const Trace& trace : scores.stream) record.negative_scores.push_back(highest(trace));
  std::vector<ScoredText> others = scores.others;
  others.insert(others.end(), scores.sections.begin(), scores.sections.end());
  record.confused = most_confused(std::move(others));
  record.missed = scores.words;
  std::ranges::sort(record.missed, {}, &ScoredText::score);
  record.missed.resize(std::min(record.missed.size(), kExamples));
}

}  // namespace wakebuilder::pipeline
