// What a training did and gave: the source of NAME.json, training_history.json and NAME.html.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "wakebuilder/model/calibration.h"
#include "wakebuilder/model/compact.h"
#include "wakebuilder/model/head.h"

namespace wakebuilder::pipeline {

/// How far the head was after some steps. Validation is on windows of voices that it does not
/// learn from; shares are 0 to 1.
struct HistoryPoint {
  std::int64_t step = 0;
  double rate = 0;  ///< of the optimiser
  double train_loss = 0;
  double train_accuracy = 0;
  double validation_loss = 0;
  double validation_accuracy = 0;
  double validation_f1 = 0;
  double validation_recall = 0;
  double validation_false_accepts = 0;  ///< how many windows without the word are taken for it
};

/// What a threshold gives on the held-out words and the held-out stream without the word.
struct ThresholdPoint {
  double threshold = 0;
  double false_accepts_per_hour = 0;
  double far = 0;  ///< share of the stream's pieces, of ten seconds, with a false accept
  double frr = 0;  ///< share of the words that are missed
  double accuracy = 0, precision = 0, recall = 0, f1 = 0;
};

/// A text of the corpus and how the model scores it, at its highest.
struct ScoredText {
  std::string text;
  std::string voice;  ///< group of voices
  double score = 0;   ///< smoothed probability
};

struct StageTime {
  std::string stage;  ///< "speech", "windows", "head", "threshold", "export"
  double seconds = 0;
};

struct TrainingData {
  std::size_t words = 0;       ///< renderings of the wake word
  std::size_t phrases = 0;     ///< of phrases with it
  std::size_t near_words = 0;  ///< of sound-alikes
  std::size_t isolated = 0;    ///< of other single words
  std::size_t running = 0;     ///< of sentences
  std::size_t recordings = 0;  ///< the user's
  double negatives_hours = 0;  ///< the user's
  std::size_t positive_windows = 0, negative_windows = 0;
  std::size_t validation_windows = 0;
  std::size_t failed = 0;  ///< utterances that a voice could not say
};

struct TrainingRecord {
  std::string name;  ///< of the model
  std::string wake_word;
  std::string phonemes;    ///< "K AH M P Y UW T ER"
  std::string created_at;  ///< "2026-11-25T20:38:12Z"
  std::uint64_t seed = 0;
  std::string version;            ///< of wakebuilder
  std::string graph = "compact";  ///< or "head"
  std::string base_model = "speech_embedding";
  std::string base_path;             ///< of the AST of a head; "" for others
  std::size_t parameters = 0;        ///< that were learned
  std::size_t total_parameters = 0;  ///< the frozen backbone's too
  std::variant<model::CompactConfig, model::HeadConfig> config{};
  double seconds = 0;
  std::vector<StageTime> stages;
  TrainingData data;
  std::vector<std::string> recordings;  ///< the user's files with the word, as they were named

  std::vector<HistoryPoint> history;
  std::int64_t steps = 0;  ///< done
  bool stopped_early = false;

  double wanted_per_hour = 0.5;  ///< false accepts
  double threshold = 0.5;
  model::Calibration calibration{};  ///< that is in the last layer
  double negative_hours = 0;         ///< of the held-out stream
  double everyday_hours = 0;         ///< that it stands for, which rates per hour are of; 0: itself
  bool rate_is_shown = true;         ///< false: the stream is too short to show the wanted rate
  std::vector<ThresholdPoint> threshold_analysis;  ///< ascending thresholds
  std::vector<double> positive_scores;  ///< highest smoothed probability of each held-out word
  std::vector<double> negative_scores;  ///< of each ten seconds of the held-out stream
  std::vector<ScoredText> confused;     ///< without the word, the highest scores first
  std::vector<ScoredText> missed;       ///< with the word, the lowest scores first

  bool has_onnx = false;
  std::string onnx_failure;  ///< why there is none; "" before it was tried
  std::uint64_t onnx_bytes = 0;
  double onnx_max_abs_diff = 0;
};

}  // namespace wakebuilder::pipeline
