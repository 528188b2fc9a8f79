// What the user asked for: the command line as plain data. CLI11 stays in command_line.cc.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/pipeline/bench.h"
#include "wakebuilder/pipeline/evaluate.h"
#include "wakebuilder/pipeline/export.h"
#include "wakebuilder/pipeline/features.h"
#include "wakebuilder/pipeline/listen.h"
#include "wakebuilder/pipeline/train.h"

namespace wakebuilder::cli {

struct ExportCommand {
  std::string target;                ///< name in the registry, or a checkpoint file
  std::string model;                 ///< --model: a name and nothing else
  std::filesystem::path checkpoint;  ///< --checkpoint
  std::filesystem::path output;      ///< --output
  pipeline::ExportOptions options;
};

struct ValidateCommand {
  std::string model;                  ///< --model
  std::vector<std::string> targets;   ///< a name, an .onnx, or a .pt and an .onnx
  std::filesystem::path checkpoint;   ///< --checkpoint
  std::filesystem::path base;         ///< --base
  std::filesystem::path activations;  ///< --compare
  std::optional<double> atol;
  std::filesystem::path onnxruntime;
};

struct InspectCommand {
  std::string target;
  std::string model;          ///< --model
  std::filesystem::path svg;  ///< --svg
  bool graph = false;         ///< --graph: the printable graph too
};

struct ConvertCommand {
  std::filesystem::path input;
  std::filesystem::path output;
  bool force = false;
};

struct FeaturesCommand {
  std::filesystem::path recording;
  std::filesystem::path output;
  std::filesystem::path preprocessor;  ///< --preprocessor, instead of the options
  audio::FeatureOptions options;
};

struct BackboneCommand {
  std::filesystem::path input;
  std::filesystem::path output = "speech-embedding.safetensors";
  bool force = false;
  std::filesystem::path onnxruntime;
};

struct DetectCommand {
  std::vector<std::string> targets;  ///< the model, unless --model names it, then the sounds
  std::vector<std::string> models;   ///< --model: names or files
  bool microphone = false;
  std::string device;                     ///< --device
  bool scores = false;                    ///< --scores
  std::optional<double> seconds;          ///< --seconds: of a live source
  std::string on_detect;                  ///< --on-detect
  std::filesystem::path save_detections;  ///< --save-detections
  std::filesystem::path plot;             ///< --plot
  pipeline::ListenOptions options;
};

struct BenchCommand {
  std::string target;  ///< a name, or an .onnx
  std::string model;   ///< --model
  pipeline::BenchOptions options;
};

struct EvaluateCommand {
  std::vector<std::string> targets;  ///< names or .onnx
  std::filesystem::path plot;        ///< --plot
  pipeline::EvaluateOptions options;
};

struct TrainCommand {
  std::string text;                    ///< the wake word
  bool quick = false;                  ///< --quick
  std::optional<std::size_t> windows;  ///< --windows
  std::filesystem::path preview;       ///< --preview
  std::optional<std::int64_t> steps;   ///< --steps
  pipeline::TrainOptions options;
};

struct ModelsCommand {};

struct ProvidersCommand {
  std::filesystem::path onnxruntime;
};

struct CompletionCommand {
  std::string script;  ///< for bash
};

/// --help, --version: text to print, nothing to do.
struct ShowText {
  std::string text;
};

struct CommandLine {
  std::string verb;  ///< "export"; "" before one is known
  bool json = false;
  std::filesystem::path models = "models";
  std::variant<ShowText, ExportCommand, ValidateCommand, InspectCommand, ConvertCommand,
               BackboneCommand, FeaturesCommand, DetectCommand, BenchCommand, EvaluateCommand,
               TrainCommand, ModelsCommand, ProvidersCommand, CompletionCommand>
      command;
};

/// Parses the arguments. `line` gets verb and json also when the rest is wrong, so that the error
/// can be said in the right form. Errors: kInvalidArgument.
Result<void> parse(int argc, const char* const* argv, CommandLine& line);

}  // namespace wakebuilder::cli
