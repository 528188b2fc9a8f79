// All that a wake word is trained on: said, looked up, read, and divided into what is learned from
// and what is held out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/corpus/bank.h"
#include "wakebuilder/corpus/pieces.h"
#include "wakebuilder/model/compact.h"
#include "wakebuilder/pipeline/train.h"
#include "wakebuilder/speech/near_words.h"
#include "wakebuilder/speech/voice.h"

#include "pipeline/held_out.h"

namespace wakebuilder::pipeline {

/// The wake word, checked, and the voices that will say it.
struct Speaking {
  std::string text;
  std::vector<speech::SpokenWord> words;
  speech::Pronunciation phonemes;  ///< of all words
  speech::Dictionary dictionary;
  std::vector<speech::VoicePointer> voices;
};

/// Errors: kInvalidArgument for text that cannot be said; kUnavailable without voices or a
/// dictionary; kInvalidArgument and kUnavailable for a voice that the user named.
Result<Speaking> prepare_to_speak(const std::string& text, const std::vector<std::string>& voices);

struct TrainingCorpus {
  corpus::Bank learned;
  HeldOutSpeech held_out;
  std::vector<corpus::Frames> noises;
  TrainingData data;                    ///< numbers of pieces
  std::vector<std::string> recordings;  ///< names of the user's files
  std::vector<std::string> skipped;     ///< recordings that cannot be read, a sentence for each
};

struct CorpusOptions {
  TrainingSize size{};
  std::int64_t frames = model::kStreamFrames;  ///< of the windows
  std::uint64_t seed = 0;
  std::vector<std::filesystem::path> recordings{};
  std::vector<std::filesystem::path> negatives{};
  std::filesystem::path cache{};  ///< "": none
  std::size_t threads = 1;
  /// Called often; false stops: kIo, "stopped".
  std::function<bool(double share, std::optional<double> seconds_left, const std::string& remark)>
      on_progress{};
};

/// Errors: kUnavailable when no voice says anything; kNotFound, kCorrupt, kInvalidArgument for the
/// user's recordings; kIo "stopped".
Result<TrainingCorpus> make_corpus(const Speaking& speaking, const CorpusOptions& options);

}  // namespace wakebuilder::pipeline
