// From bare text to a wake word: speech, windows, a head, a threshold, a checked model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/pipeline/registry.h"
#include "wakebuilder/pipeline/training_record.h"
#include "wakebuilder/pipeline/window_preview.h"

namespace wakebuilder::pipeline {

/// How much is said, composed and learned. The defaults are the recipe (docs/training.md).
struct TrainingSize {
  std::size_t words = 2200;  ///< renderings of the wake word
  std::size_t phrases = 500;
  std::size_t near_words = 3400;
  std::size_t running = 4500;  ///< sentences, the same for every wake word, as what follows
  std::size_t pseudo = 1750;
  std::size_t isolated_words = 240;
  std::size_t isolated_times = 50;
  std::size_t noises = 56;  ///< of 40 s each
  std::size_t windows = 49152;
  std::int64_t steps = 400;
  std::int64_t fine_tuning_steps = 100;  ///< of 32 windows, where it is wanted
  double held_out_hours = 2;             ///< of the stream that the threshold is chosen on

  /// A tenth of it: a model to play with, in a minute or two.
  static TrainingSize quick();

  /// The same with a twelfth of the windows: an AST takes thirty times as long for each.
  TrainingSize for_ast() const;
};

struct TrainOptions {
  std::string name{};              ///< of the model; "" takes the wake word: hey_jarvis
  std::filesystem::path models{};  ///< the registry
  bool force = false;              ///< replace a model of this name
  /// "compact", a head on the speech embedding, or "head", WakeBuilder's on an AST; "": head where
  /// there is a base, else compact.
  std::string graph{};
  std::filesystem::path base{};  ///< the AST of the graph head, as LoadOptions::base
  TrainingSize size{};
  std::uint64_t seed = 0;
  double false_accepts_per_hour = 0.5;              ///< that the threshold may let through
  std::vector<std::filesystem::path> recordings{};  ///< of the wake word, files or folders
  std::vector<std::filesystem::path> negatives{};   ///< without it
  std::vector<std::string> voices{};  ///< programs that speak, as speech::command_voice()
  /// Of the graph compact: goes on through the backbone when the head is trained. The model then
  /// has a backbone of its own: it does not share it with others that listen beside it.
  bool fine_tune = false;
  /// Stops when so many validations in a row, 25 steps each, have no better loss, and takes the
  /// head of the best; 0: never. The recipe does without: its head is the mean of many steps.
  std::int64_t patience = 0;
  bool use_cache = true;
  /// Goes on where a training of the same word with the same options was stopped: windows and the
  /// states of head and fine-tuning are kept in the cache until a training is done.
  bool resume = false;
  std::size_t threads = 0;           ///< 0: one for each core
  std::filesystem::path backbone{};  ///< "": find_backbone()
  std::filesystem::path trainer{};   ///< "": beside this program, else in PATH
  std::filesystem::path onnxruntime{};
};

struct TrainProgress {
  std::string stage;  ///< "voices", "speech", "windows", "head", "threshold", "export"
  double share = 0;   ///< done of the stage, 0 to 1
  std::optional<double> seconds_left;  ///< of the stage
  std::string remark;                  ///< "loss 0.31"
};

/// Called often, by one thread at a time; false stops: kIo, "stopped".
using TrainObserver = std::function<bool(const TrainProgress&)>;

struct TrainReport {
  RegistryEntry entry;
  std::filesystem::path report;  ///< NAME.html
  TrainingRecord record;
  std::vector<std::string> remarks;  ///< what the user should know: recordings that were skipped
};

/// Trains a detector of `text` from synthetic speech, and the user's if there is some, and puts
/// NAME.pt, NAME.json, training_history.json, NAME.html and NAME.onnx into the registry.
///
/// Nothing is written to the registry before the head is trained. An export that fails keeps the
/// checkpoint: the record says why.
///
/// Errors: kInvalidArgument for text that no voice can say, a name that is none or is taken,
/// numbers out of range, options that do not go together; those of the base; kUnavailable without
/// voices, dictionary, backbone, training program or ONNX Runtime; kNotFound and kCorrupt for
/// recordings; kIo when stopped, when a disk is full, when the training program dies.
Result<TrainReport> train(const std::string& text, const TrainOptions& options,
                          const TrainObserver& observer = {});

/// Makes the speech of a training and writes the first `count` windows that it would learn from
/// into a folder, as sounds and as a picture (window_preview.h). Errors: as train() up to the
/// windows, and those of write_preview().
Result<PreviewReport> preview_training(const std::string& text, const TrainOptions& options,
                                       const std::filesystem::path& folder, std::size_t count = 50,
                                       const TrainObserver& observer = {});

}  // namespace wakebuilder::pipeline
