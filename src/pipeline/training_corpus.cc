#include "pipeline/training_corpus.h"

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "wakebuilder/core/cache_folder.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/corpus/clip.h"
#include "wakebuilder/corpus/jumbled_word.h"
#include "wakebuilder/corpus/noise.h"
#include "wakebuilder/corpus/random.h"
#include "wakebuilder/corpus/recorded_word.h"
#include "wakebuilder/corpus/rendering.h"
#include "wakebuilder/corpus/script.h"
#include "wakebuilder/corpus/user_audio.h"
#include "wakebuilder/speech/installed_voices.h"
#include "wakebuilder/speech/text.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;

using corpus::Kind;
using corpus::Place;

constexpr std::uint64_t kMostCacheBytes = std::uint64_t{3} << 30U;
constexpr std::size_t kHeldOutOf = 10;  ///< each tenth piece is held out
constexpr std::size_t kTalkers = 400;   ///< sentences that babble is made of
constexpr const char* kOwnWords = "recording";
constexpr double kOwnWordsWeight = 0.3;  ///< where all voices weigh 1
constexpr std::size_t kJumbledOfRecording = 12;
constexpr const char* kOwnNegatives = "negative";
constexpr double kOwnNegativesWeight = 0.2;
constexpr std::size_t kOwnHeldOutOf = 5;
constexpr std::size_t kOwnNoiseFrames = 4000;
constexpr std::size_t kSyntheticForOwnNoise = 4;  ///< noises for each that is made of user's sound
constexpr std::uint64_t kCommonSeed = 1;          ///< of what does not depend on the wake word

/// The longest pieces that windows are made of, in windows.
double most_windows(Kind kind) {
  if (kind == Kind::kRunning) return 20;
  return kind == Kind::kPhrase ? 1.25 : 1.15;
}

std::size_t& counter(TrainingData& data, Kind kind) {
  switch (kind) {
    case Kind::kWord:
      return data.words;
    case Kind::kPhrase:
      return data.phrases;
    case Kind::kNear:
      return data.near_words;
    case Kind::kIsolated:
      return data.isolated;
    case Kind::kRunning:
    case Kind::kJumbled:
      return data.running;
  }
  return data.running;
}

void set_weights(corpus::Bank& bank) {
  using enum speech::VoiceGroup;
  for (const auto group :
       {kEspeakEnglish, kEspeakOther, kFlite, kFestivalEnglish, kFestivalOther, kCommand})
    bank.set_weight(std::string(speech::to_string(group)), corpus::usual_weight(group));
}

corpus::CommonScriptOptions common_options(const TrainingSize& size) {
  return {.running = size.running,
          .pseudo = size.pseudo,
          .isolated_words = size.isolated_words,
          .isolated_times = size.isolated_times,
          .seed = kCommonSeed};
}

class Builder {
 public:
  Builder(const Speaking& speaking, const CorpusOptions& options)
      : speaking_(speaking),
        options_(options),
        orders_(corpus::orders_unlike(speaking.phonemes)),
        random_(options.seed) {
    set_weights(corpus_.learned);
    set_weights(corpus_.held_out.bank);
  }

  Result<TrainingCorpus> build() {
    const auto& [text, words, phonemes, dictionary, voices] = speaking_;
    const TrainingSize& size = options_.size;
    // What the user may have named wrongly comes before minutes of work.
    WAKEBUILDER_CHECK(add_recordings());
    if (!options_.negatives.empty())
      WAKEBUILDER_CHECK(corpus::list_recordings(options_.negatives).map([](const auto&) {}));
    WAKEBUILDER_TRY(const auto own, corpus::word_script(text, words, dictionary, voices,
                                                        {.words = size.words,
                                                         .phrases = size.phrases,
                                                         .near_words = size.near_words,
                                                         .seed = options_.seed}));
    const auto common = corpus::common_script(dictionary, voices, common_options(size));
    lines_ = own.size() + common.size() + kTalkers;
    WAKEBUILDER_CHECK(add(own, "saying \"" + core::quote(text, 40) + "\" and what sounds like it"));
    WAKEBUILDER_CHECK(add(common, "saying other words and sentences, once for all wake words"));
    WAKEBUILDER_CHECK(make_noises(common));
    WAKEBUILDER_CHECK(add_negatives());
    if (!options_.cache.empty()) core::shrink_cache(options_.cache, kMostCacheBytes);
    return std::move(corpus_);
  }

 private:
  corpus::RenderOptions render_options(const std::string& remark) {
    corpus::RenderOptions options{.threads = options_.threads, .cache = options_.cache};
    options.on_progress = [this, remark, before = done_](const speech::SynthesisProgress& now) {
      tell(before + now.done, now.seconds_left, remark);
      done_ = before + now.done;
    };
    options.is_stopped = [this] { return is_stopped_; };
    return options;
  }

  void tell(std::size_t done, std::optional<double> seconds_left, const std::string& remark) {
    const double share = static_cast<double>(done) / static_cast<double>(lines_);
    if (options_.on_progress && !options_.on_progress(share, seconds_left, remark))
      is_stopped_ = true;
  }

  Result<void> add(const corpus::Script& script, const std::string& remark) {
    WAKEBUILDER_TRY(const auto rendered, corpus::render(script, render_options(remark)));
    corpus_.data.failed += rendered.failed;
    std::size_t number = 0;
    for (const auto& part : rendered.parts)
      for (std::size_t i = 0; i < part->size(); ++i)
        add({part, i}, number++ % kHeldOutOf == kHeldOutOf - 1);
    return {};
  }

  bool is_wanted(const Place& place) const {
    const Kind kind = place.piece().kind;
    const double most = most_windows(kind) * static_cast<double>(options_.frames);
    if (static_cast<double>(place.frames()) > most) return false;
    const bool is_common = kind == Kind::kRunning || kind == Kind::kIsolated;
    return !is_common ||
           !corpus::sounds_like(place.piece(), speaking_.dictionary, speaking_.phonemes);
  }

  void add(Place place, bool is_held_out) {
    if (!is_wanted(place)) return;
    const Kind kind = place.piece().kind;
    ++counter(corpus_.data, kind);
    if (!is_held_out) {
      if (kind == Kind::kWord && options_.recordings.empty())
        add_jumbled(place.unpack(), place.piece());
      return corpus_.learned.add(std::move(place));
    }
    HeldOutSpeech& held_out = corpus_.held_out;
    if (kind == Kind::kWord) held_out.words.push_back(place);
    if (kind == Kind::kNear || kind == Kind::kIsolated) held_out.others.push_back(place);
    held_out.bank.add(std::move(place));
  }

  /// The word in another order is not the word, by the same voice: what only knows its sounds, or
  /// the room of a recording, is wrong there. Where there are recordings, of these alone: with the
  /// synthetic voices among them more sounded like the word (docs/benchmarks.md).
  void add_jumbled(const corpus::Frames& word, const corpus::Piece& said) {
    if (orders_.empty()) return;
    const corpus::Order order = random_.any_of(orders_);
    corpus_.learned.add(Kind::kJumbled, said.group, corpus::jumbled(word, order, random_),
                        said.text);
  }

  /// The user's recordings are few, and all are learned from.
  Result<void> add_recordings() {
    if (options_.recordings.empty()) return {};
    WAKEBUILDER_TRY(const auto files, corpus::list_recordings(options_.recordings));
    corpus_.learned.set_weight(kOwnWords, kOwnWordsWeight);
    for (const fs::path& file : files) {
      WAKEBUILDER_TRY(const auto word, corpus::read_word_recording(file));
      const std::string name = file.filename().string();
      corpus_.learned.add(Kind::kWord, kOwnWords, word, name);
      for (std::size_t i = 0; i < kJumbledOfRecording; ++i)
        add_jumbled(word, {.group = kOwnWords, .text = name});
      ++corpus_.data.recordings;
      corpus_.recordings.push_back(name);
    }
    return {};
  }

  static void cut_into_noises(const corpus::Frames& frames, corpus::Frames& waiting,
                              std::vector<corpus::Frames>& noises) {
    waiting.insert(waiting.end(), frames.begin(), frames.end());
    if (waiting.size() < kOwnNoiseFrames * corpus::kBins) return;
    noises.push_back(std::move(waiting));
    waiting.clear();
  }

  /// Four of five pieces are learned from; the others are what the threshold must hold on. Some are
  /// noises as well, under windows with the word too: otherwise a head learns that what sounds like
  /// this room and this microphone never is the word.
  Result<void> add_negatives() {
    if (options_.negatives.empty()) return {};
    corpus_.learned.set_weight(kOwnNegatives, kOwnNegativesWeight);
    std::size_t number = 0;
    corpus::Frames waiting;  // held out, until it is a part
    corpus::Frames noise;    // the same of what is learned from
    std::vector<corpus::Frames> own_noises;
    const std::size_t most_noises = corpus_.noises.size() / kSyntheticForOwnNoise;
    const auto take = [&](std::span<const float> samples, const fs::path&) -> Result<void> {
      if (is_stopped_) return fail(ErrorCode::kIo, "stopped");
      const corpus::Frames frames = corpus::log_mel(samples);
      if (frames.empty()) return {};
      if (number++ % kOwnHeldOutOf != kOwnHeldOutOf - 1) {
        corpus_.learned.add(Kind::kRunning, kOwnNegatives, frames);
        if (own_noises.size() < most_noises) cut_into_noises(frames, noise, own_noises);
      } else {
        waiting.insert(waiting.end(), frames.begin(), frames.end());
      }
      cut_into_parts(waiting, corpus_.held_out.negatives);
      tell(done_, std::nullopt, "reading your sound without the word");
      return {};
    };
    WAKEBUILDER_TRY(auto summary,
                    corpus::stream_negatives(options_.negatives, {.seed = options_.seed}, take));
    for (auto& own : own_noises) corpus_.noises.push_back(std::move(own));
    corpus_.data.negatives_hours = summary.hours;
    for (auto& skipped : summary.skipped) corpus_.skipped.push_back(std::move(skipped.reason));
    return {};
  }

  /// Babble of the first sentences, said again, since the cache has no samples.
  Result<void> make_noises(const corpus::Script& common) {
    const fs::path file = noise_file();
    if (auto kept = corpus::Pieces::load(file); kept) {
      for (std::size_t i = 0; i < kept->size(); ++i) corpus_.noises.push_back(kept->unpack(i));
      return {};
    }
    std::vector<std::vector<float>> talkers;
    auto options = render_options("making noises");
    options.cache.clear();
    options.on_clip = [&](const corpus::Piece&, std::span<const float> samples) {
      talkers.emplace_back(samples.begin(), samples.end());
    };
    const corpus::Script sentences(
        common.begin(),
        common.begin() + static_cast<std::ptrdiff_t>(std::min(kTalkers, common.size())));
    WAKEBUILDER_CHECK(corpus::render(sentences, options).map([](const auto&) {}));
    corpus_.noises = corpus::make_noises(
        talkers, {.count = options_.size.noises, .seed = kCommonSeed, .threads = options_.threads});
    corpus::Pieces pieces;
    for (const corpus::Frames& noise : corpus_.noises)
      pieces.add({.kind = Kind::kRunning, .group = "noise", .text = {}}, noise);
    if (!file.empty()) static_cast<void>(pieces.save(file));
    return {};
  }

  fs::path noise_file() const {
    const std::string name = "noises-" + std::to_string(options_.size.noises) + ".safetensors";
    return options_.cache.empty() ? fs::path() : options_.cache / name;
  }

  const Speaking& speaking_;
  const CorpusOptions& options_;
  std::vector<corpus::Order> orders_;
  corpus::Random random_;
  TrainingCorpus corpus_;
  std::size_t lines_ = 1;
  std::size_t done_ = 0;
  bool is_stopped_ = false;
};

}  // namespace

Result<Speaking> prepare_to_speak(const std::string& text, const std::vector<std::string>& voices) {
  WAKEBUILDER_CHECK(speech::check_text(text));
  WAKEBUILDER_TRY(auto dictionary, speech::Dictionary::load());
  WAKEBUILDER_TRY(auto found, speech::installed_voices({.commands = voices}));
  WAKEBUILDER_TRY(auto words, speech::spoken_words(dictionary, text));
  auto phonemes = speech::joined(words);
  return Speaking{.text = text,
                  .words = std::move(words),
                  .phonemes = std::move(phonemes),
                  .dictionary = std::move(dictionary),
                  .voices = std::move(found)};
}

Result<TrainingCorpus> make_corpus(const Speaking& speaking, const CorpusOptions& options) {
  return Builder(speaking, options).build();
}

}  // namespace wakebuilder::pipeline
