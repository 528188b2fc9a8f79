#include "cli/command_line.h"

#include <algorithm>
#include <cstdlib>

#include <CLI/CLI.hpp>

#include "wakebuilder/core/text.h"
#include "wakebuilder/core/version.h"

#include "cli/completion.h"

namespace wakebuilder::cli {
namespace {

constexpr std::string_view kAbout =
    "Turns wake-word checkpoints into checked ONNX models, without Python.\n"
    "Results go to stdout, progress and errors to stderr. Exit status: 0 done, 1 the check "
    "failed,\n"
    "2 wrong usage or bad input, 3 the machine failed.";

/// Help as this program speaks: verbs, and what each takes.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    if (app->get_parent() == nullptr) return "Usage: wakebuilder VERB [NAME|FILE] [options]\n";
    std::string usage = "Usage: wakebuilder " + name;
    for (const CLI::Option* option : app->get_options()) {
      if (!option->get_positional()) continue;
      const std::string text = option->get_option_text();
      usage += option->get_required() ? " " + text : " [" + text + "]";
    }
    return usage + " [options]\n";
  }

  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    std::string name = CLI::Formatter::make_option_name(option, is_positional);
    name.resize(std::min(name.find('{'), name.size()));  // "--no-fold{false}"
    return name;
  }

  // The usage has them, each with what it may be.
  std::string make_positionals(const CLI::App* app) const override {
    std::string text;
    for (const CLI::Option* option : app->get_options()) {
      if (!option->get_positional()) continue;
      text +=
          "  " + option->get_option_text() + std::string(2, ' ') + option->get_description() + "\n";
    }
    return text.empty() ? text : "\n" + text;
  }
};

/// A verb of the program: CLI11's subcommand with the options that all verbs have.
CLI::App* add_verb(CLI::App& app, CommandLine& line, const std::string& name,
                   const std::string& about, const std::string& example) {
  CLI::App* verb = app.add_subcommand(name, about)->group("Verbs");
  verb->add_flag("--json", line.json, "Print one JSON object instead of text");
  verb->footer("Example:\n  " + example);
  verb->parse_complete_callback([&line, name] { line.verb = name; });
  return verb;
}

void add_models_folder(CLI::App* verb, CommandLine& line) {
  verb->add_option("--models", line.models,
                   "Folder of the registry (default: $WAKEBUILDER_MODELS, else models)")
      ->option_text("DIR");
}

void add_registry(CLI::App* verb, CommandLine& line, std::string& model) {
  verb->add_option("--model", model, "Name of a model in the registry")->option_text("NAME");
  add_models_folder(verb, line);
}

void add_runtime(CLI::App* verb, std::filesystem::path& library) {
  verb->add_option("--onnxruntime", library,
                   "ONNX Runtime library to use instead of the installed one")
      ->option_text("PATH");
}

void add_export(CLI::App& app, CommandLine& line, ExportCommand& command) {
  CLI::App* verb = add_verb(app, line, "export", "Make a checked .onnx from a checkpoint",
                            "wakebuilder export --checkpoint jarvis.pt --output jarvis.onnx");
  verb->add_option("target", command.target, "A model's name in the registry, or a checkpoint")
      ->option_text("NAME|FILE");
  verb->add_option("--checkpoint", command.checkpoint,
                   "Checkpoint to read (.pt, .pth, .bin, .safetensors)")
      ->option_text("FILE");
  verb->add_option("--output", command.output, "Model to write (default: beside the checkpoint)")
      ->option_text("FILE.onnx");
  add_registry(verb, line, command.model);
  verb->add_option("--opset", command.options.opset, "ONNX operator set, 13 to 21 (default 17)")
      ->option_text("N");
  verb->add_option(
          "--graph", command.options.graph,
          "What the checkpoint must hold (default: whatever it holds): head (embeddings to "
          "logits), compact (features to logits), ast (the same with the AST as backbone)")
      ->option_text("head|compact|ast")
      ->check(CLI::IsMember({"head", "compact", "ast"}));
  verb->add_option("--base", command.options.base,
                   "AST that a head belongs to, for --graph ast: a folder with model.safetensors, "
                   "config.json and preprocessor_config.json, or a file")
      ->option_text("DIR|FILE");
  verb->add_option_function<std::string>(
          "--input",
          [&command](const std::string& input) {
            command.options.variant.waveform = input == "waveform";
          },
          "What goes in: features (default), or waveform with the preprocessing in the graph")
      ->option_text("features|waveform")
      ->check(CLI::IsMember({"features", "waveform"}));
  verb->add_flag("--stream", command.options.variant.stream,
                 "Write a step of live detection: one hop of 160 ms and its state in and out");
  verb->add_option("--frames", command.options.variant.frames,
                   "Frames of 10 ms in a window (default: the checkpoint's; with --stream 160)")
      ->option_text("N");
  verb->add_flag("!--no-fold", command.options.fold,
                 "Write the graph as it was trained, without exact folding");
  verb->add_option("--atol", command.options.atol,
                   "Allowed difference from the reference (default 1e-05, with waveform 1e-04)")
      ->option_text("X");
  verb->add_option("--external-data", command.options.external_data,
                   "Put the weights into this file beside the model")
      ->option_text("NAME");
  verb->add_flag("--force", command.options.force, "Overwrite an output that is no ONNX model");
  add_runtime(verb, command.options.onnxruntime);
}

void add_validate(CLI::App& app, CommandLine& line, ValidateCommand& command) {
  CLI::App* verb =
      add_verb(app, line, "validate", "Check an .onnx, alone or against its checkpoint",
               "wakebuilder validate jarvis.pt jarvis.onnx");
  verb->add_option("targets", command.targets,
                   "A model's name, an .onnx, or a checkpoint and an .onnx")
      ->option_text("NAME|FILE...")
      ->expected(0, 2);
  verb->add_option("--checkpoint", command.checkpoint, "Compare with this checkpoint")
      ->option_text("FILE");
  verb->add_option("--base", command.base, "AST that the checkpoint's head belongs to")
      ->option_text("DIR|FILE");
  verb->add_option("--compare", command.activations, "Compare with activations stored by PyTorch")
      ->option_text("FILE.safetensors");
  add_registry(verb, line, command.model);
  verb->add_option("--atol", command.atol,
                   "Allowed difference from the reference (default 1e-05, with waveform 1e-04)")
      ->option_text("X");
  add_runtime(verb, command.onnxruntime);
}

void add_inspect(CLI::App& app, CommandLine& line, InspectCommand& command) {
  CLI::App* verb = add_verb(app, line, "inspect", "Show what a model or checkpoint holds",
                            "wakebuilder inspect jarvis.onnx --svg jarvis.svg");
  verb->add_option("target", command.target,
                   "An .onnx, .pt or .safetensors file, or a model's name")
      ->option_text("FILE|NAME");
  add_registry(verb, line, command.model);
  verb->add_option("--svg", command.svg, "Draw the graph of an .onnx into this file")
      ->option_text("FILE.svg");
  verb->add_flag("--graph", command.graph, "Print the graph of an .onnx, node by node");
}

void add_convert(CLI::App& app, CommandLine& line, ConvertCommand& command) {
  CLI::App* verb =
      add_verb(app, line, "convert", "Copy a checkpoint into another format, loss-free",
               "wakebuilder convert jarvis.pt jarvis.safetensors");
  verb->add_option("input", command.input, "Checkpoint to read")->option_text("FILE")->required();
  verb->add_option("output", command.output, "File to write: .pt, .pth, .bin or .safetensors")
      ->option_text("FILE")
      ->required();
  verb->add_flag("--force", command.force, "Overwrite an output that is no checkpoint");
}

void add_features(CLI::App& app, CommandLine& line, FeaturesCommand& command) {
  CLI::App* verb = add_verb(app, line, "features", "Turn a recording into what a model hears",
                            "wakebuilder features jarvis.wav --output jarvis.png");
  verb->add_option("recording", command.recording, "Recording: WAV, FLAC, Ogg or MP3")
      ->option_text("FILE")
      ->required();
  verb->add_option("--output", command.output, "File to write: .npy, .safetensors or .png")
      ->option_text("FILE")
      ->required();
  auto* preprocessor = verb->add_option("--preprocessor", command.preprocessor,
                                        "Settings from a preprocessor_config.json of transformers")
                           ->option_text("FILE.json");
  verb->add_option("--frames", command.options.frames,
                   "Rows: frames of 10 ms, padded or cut (default 1024)")
      ->option_text("N")
      ->check(CLI::Range(std::size_t{1}, audio::kMaxFrames))
      ->excludes(preprocessor);
  verb->add_option("--mean", command.options.mean, "Mean of the values (default -4.2677393)")
      ->option_text("X")
      ->excludes(preprocessor);
  verb->add_option("--std", command.options.std,
                   "Their standard deviation (default 4.5689974); values are (x - mean) / (2 std)")
      ->option_text("X")
      ->excludes(preprocessor);
}

void add_backbone(CLI::App& app, CommandLine& line, BackboneCommand& command) {
  CLI::App* verb = add_verb(app, line, "backbone", "Take over a pretrained backbone",
                            "wakebuilder backbone import embedding_model.onnx");
  // A word rather than a verb below the verb: one place for help and --json.
  verb->add_option("action", "import: take the weights of a foreign .onnx")
      ->option_text("import")
      ->check(CLI::IsMember({"import"}))
      ->required();
  verb->add_option("input", command.input, "Google's speech embedding, embedding_model.onnx")
      ->option_text("FILE.onnx")
      ->required();
  verb->add_option("--output", command.output,
                   "File to write (default: speech-embedding.safetensors)")
      ->option_text("FILE.safetensors");
  verb->add_flag("--force", command.force, "Overwrite an output that is no checkpoint");
  add_runtime(verb, command.onnxruntime);
}

/// How it listens: what takes the place of the model's metadata.
void add_decision(CLI::App* verb, pipeline::ListenOptions& options) {
  runtime::WakeOverrides& overrides = options.overrides;
  verb->add_option("--threshold", overrides.threshold,
                   "Probability from which on the word counts as heard (default: the model's)")
      ->option_text("P");
  verb->add_option("--smoothing", overrides.smoothing,
                   "Scores that are averaged (default: the model's, else 3)")
      ->option_text("N");
  verb->add_option("--refractory", overrides.refractory_s,
                   "Seconds after a detection without another one (default: the model's, else 1)")
      ->option_text("S");
  verb->add_option("--window", overrides.window_frames,
                   "Frames of 10 ms that a score sees (default: the model's, else 160)")
      ->option_text("N");
  verb->add_option("--hop", overrides.hop_frames, "Frames from one score to the next (default 16)")
      ->option_text("N");
  verb->add_option("--gate", options.detector.gate_dbfs,
                   "Look only at windows that are as loud as this, in dBFS, e.g. -55")
      ->option_text("DB");
  verb->add_flag("--no-stream{false}", options.streams,
                 "Compute every window anew, as the file has it");
}

void add_providers(CLI::App* verb, runtime::SessionOptions& options) {
  verb->add_option_function<std::string>(
          "--provider",
          [&options](const std::string& text) {
            auto providers = runtime::parse_providers(text);
            if (!providers) throw CLI::ValidationError("--provider", providers.error().message);
            options.providers = *std::move(providers);
          },
          "What computes, preferred first: cuda,cpu or tensorrt:trt_fp16_enable=1;cuda")
      ->option_text("LIST");
  verb->add_flag("--strict-provider", options.strict_providers,
                 "Fail when a provider cannot be had, instead of falling back");
}

void add_detect(CLI::App& app, CommandLine& line, DetectCommand& command) {
  CLI::App* verb =
      add_verb(app, line, "detect", "Listen for wake words in recordings or live",
               "wakebuilder detect jarvis clip.wav\n"
               "  arecord -q -f S16_LE -r 16000 -c 1 -t raw | wakebuilder detect jarvis -\n"
               "  wakebuilder detect jarvis --microphone --on-detect 'notify-send \"$WAKEWORD\"'");
  verb->add_option("target", command.targets,
                   "A model's name or .onnx, then recordings, or - for 16-bit samples on stdin")
      ->option_text("NAME|FILE.onnx SOUND...");
  verb->add_option("--model", command.models,
                   "Another way to name the model; again for several at once")
      ->option_text("NAME|FILE.onnx")
      ->allow_extra_args(false);
  add_models_folder(verb, line);
  verb->add_flag("--microphone", command.microphone, "Listen to the microphone until Ctrl-C");
  verb->add_option("--device", command.device, "Microphone by name, or a part of it")
      ->option_text("NAME")
      ->needs("--microphone");
  verb->add_option("--seconds", command.seconds, "Stop a live source after so much sound")
      ->option_text("S")
      ->check(CLI::PositiveNumber);
  verb->add_flag("--scores", command.scores, "With --json: the score of every hop");
  add_decision(verb, command.options);
  verb->add_option("--on-detect", command.on_detect,
                   "Command to run for each detection, with WAKEWORD, MODEL, SCORE and TIME in its "
                   "environment")
      ->option_text("COMMAND");
  verb->add_option("--save-detections", command.save_detections,
                   "Write the 2 s around each detection as WAV")
      ->option_text("DIR");
  verb->add_option("--plot", command.plot, "Draw the score over the waveform")
      ->option_text("FILE.svg");
  add_providers(verb, command.options.session);
  add_runtime(verb, command.options.onnxruntime);
}

void add_bench(CLI::App& app, CommandLine& line, BenchCommand& command) {
  CLI::App* verb = add_verb(app, line, "bench", "Measure a model on this machine",
                            "wakebuilder bench jarvis --threads 1,2 --batch 1");
  verb->add_option("target", command.target, "A model's name in the registry, or an .onnx")
      ->option_text("NAME|FILE.onnx");
  add_registry(verb, line, command.model);
  verb->add_option("--threads", command.options.threads,
                   "Threads inside an operator (default: 1, and all physical cores)")
      ->option_text("N,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->add_option("--batch", command.options.batches,
                   "Rows of a batch (default: 1, and 8 where the model takes it)")
      ->option_text("N,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->add_option("--seconds", command.options.seconds,
                   "Of each measurement at the most (default 2)")
      ->option_text("S");
  add_providers(verb, command.options.session);
  add_runtime(verb, command.options.onnxruntime);
}

void add_evaluate(CLI::App& app, CommandLine& line, EvaluateCommand& command) {
  CLI::App* verb =
      add_verb(app, line, "evaluate", "Measure misses and false accepts on recordings",
               "wakebuilder evaluate jarvis --positive said --negative other --plot jarvis.svg");
  pipeline::EvaluateOptions& options = command.options;
  verb->add_option("target", command.targets, "Models: names in the registry, or .onnx files")
      ->option_text("NAME|FILE.onnx...");
  verb->add_option("--model", command.targets, "Another way to name a model")
      ->option_text("NAME|FILE.onnx")
      ->allow_extra_args(false);
  add_models_folder(verb, line);
  verb->add_option("--positive", options.positive, "Folders of clips with the wake word")
      ->option_text("DIR...");
  verb->add_option("--negative", options.negative, "Folders of sound without it")
      ->option_text("DIR...");
  verb->add_option("--false-accepts-per-hour", options.false_accepts_per_hour,
                   "Rates to tell the misses at (default: 0.5 1 2 5 10)")
      ->option_text("X...");
  verb->add_option("--snr", options.snr_db, "Add noise, so many dB below the speech")
      ->option_text("DB");
  verb->add_option("--seed", options.seed, "Of the noise (default 1)")->option_text("N");
  verb->add_option("--threads", options.threads, "Clips heard at a time (default: all cores)")
      ->option_text("N");
  verb->add_option("--plot", command.plot, "Draw misses over false accepts per hour")
      ->option_text("FILE.svg");
  verb->add_flag("--no-stream{false}", options.listen.streams,
                 "Compute every window anew, as the file has it");
  add_providers(verb, options.listen.session);
  add_runtime(verb, options.listen.onnxruntime);
}

void add_train(CLI::App& app, CommandLine& line, TrainCommand& command) {
  CLI::App* verb = add_verb(app, line, "train", "Make a model that hears a word, from its text",
                            "wakebuilder train computer");
  pipeline::TrainOptions& options = command.options;
  verb->add_option("text", command.text, "The wake word: one word or a few")
      ->option_text("TEXT")
      ->required();
  verb->add_option("--name", options.name, "Of the model (default: the word, as hey_jarvis)")
      ->option_text("NAME");
  add_models_folder(verb, line);
  verb->add_flag("--force", options.force, "Replace the model of this name");
  verb->add_option("--graph", options.graph,
                   "What learns: compact, a head on the speech embedding (default), or head, "
                   "WakeBuilder's on a frozen AST")
      ->option_text("compact|head")
      ->check(CLI::IsMember({"compact", "head"}));
  verb->add_option("--base", options.base,
                   "The AST of --graph head: a folder with model.safetensors, config.json and "
                   "preprocessor_config.json, or a file")
      ->option_text("DIR|FILE");
  verb->add_flag("--quick", command.quick, "A tenth of the work: a first look, not a good model");
  verb->add_option("--recordings", options.recordings,
                   "Recordings of the word by people: files or folders")
      ->option_text("DIR|FILE...");
  verb->add_option("--negatives", options.negatives,
                   "Sound without the word, as hours of talk from where the model will listen")
      ->option_text("DIR|FILE...");
  verb->add_option("--false-accepts-per-hour", options.false_accepts_per_hour,
                   "How often the model may be wrong (default 0.5)")
      ->option_text("X");
  verb->add_option("--voice", options.voices,
                   "A program that speaks, as one more voice: 'piper --model x.onnx "
                   "--output_file {wav}'")
      ->option_text("COMMAND")
      ->allow_extra_args(false);
  verb->add_option("--seed", options.seed, "Of all that is drawn at random (default 0)")
      ->option_text("N");
  verb->add_option("--windows", command.windows,
                   "Windows to learn from (default 49152; 4096 with --base)")
      ->option_text("N");
  verb->add_option("--steps", command.steps, "Steps of the training (default 400)")
      ->option_text("N");
  verb->add_option("--patience", options.patience,
                   "Stop after N validations, 25 steps each, without a better loss, and take the "
                   "best head (default 0: never)")
      ->option_text("N");
  verb->add_option("--preview", command.preview,
                   "Train nothing; write 50 windows that would be learned from, as sounds and as a "
                   "picture")
      ->option_text("DIR");
  verb->add_flag("--fine-tune", options.fine_tune,
                 "Go on through the backbone: two minutes more, and nothing gained on most words");
  verb->add_flag("--resume", options.resume,
                 "Go on where the same command was stopped while it learned");
  verb->add_flag("--no-cache{false}", options.use_cache,
                 "Keep nothing under ~/.cache/wakebuilder, and use nothing from there");
  verb->add_option("--threads", options.threads, "Default: all cores")->option_text("N");
  verb->add_option("--backbone", options.backbone, "Speech embedding instead of the installed one")
      ->option_text("FILE");
  verb->add_option("--trainer", options.trainer,
                   "Program wakebuilder-train instead of the one beside this program")
      ->option_text("FILE");
  add_runtime(verb, options.onnxruntime);
}

void add_models(CLI::App& app, CommandLine& line) {
  CLI::App* verb = add_verb(app, line, "models", "List the models of the registry",
                            "wakebuilder models --models models");
  add_models_folder(verb, line);
}

void add_providers(CLI::App& app, CommandLine& line, ProvidersCommand& command) {
  CLI::App* verb = add_verb(app, line, "providers", "Show what ONNX Runtime can run models on here",
                            "wakebuilder providers --json");
  add_runtime(verb, command.onnxruntime);
}

std::vector<CompletionVerb> completion_verbs(const CLI::App& app) {
  std::vector<CompletionVerb> verbs;
  for (const CLI::App* verb : app.get_subcommands({})) {
    CompletionVerb entry{.name = verb->get_name(), .options = {}};
    for (const CLI::Option* option : verb->get_options()) {
      for (const std::string& name : option->get_lnames()) entry.options.push_back("--" + name);
    }
    verbs.push_back(std::move(entry));
  }
  return verbs;
}

/// CLI11's sentence on one line, without its hint to run --help.
std::string sentence(std::string text) {
  const auto end = text.find('\n');
  if (end != std::string::npos) text.resize(end);
  return core::quote(text, 400) + "; see wakebuilder --help";
}

/// Arguments of files: `export jarvis.pt` and `export jarvis` share a place.
template <class Command>
void choose(const CLI::App& app, const std::string& verb, CommandLine& line, Command command) {
  if (app.got_subcommand(verb)) line.command = std::move(command);
}

void read_environment(CommandLine& line) {
  const char* models = std::getenv("WAKEBUILDER_MODELS");  // NOLINT(concurrency-mt-unsafe)
  if (models != nullptr && *models != '\0') line.models = models;
}

/// Before parsing, so that a wrong option is answered in the form that was asked for.
void look_ahead(int argc, const char* const* argv, const CLI::App& app, CommandLine& line) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--json") line.json = true;
    const auto verbs = app.get_subcommands({});
    const bool is_verb = std::ranges::any_of(
        verbs, [&](const CLI::App* verb) { return verb->get_name() == argument; });
    if (is_verb && line.verb.empty()) line.verb = argument;
  }
}

}  // namespace

Result<void> parse(int argc, const char* const* argv, CommandLine& line) {
  ExportCommand export_command;
  ValidateCommand validate_command;
  InspectCommand inspect_command;
  ConvertCommand convert_command;
  BackboneCommand backbone_command;
  FeaturesCommand features_command;
  DetectCommand detect_command;
  BenchCommand bench_command;
  EvaluateCommand evaluate_command;
  TrainCommand train_command;
  ProvidersCommand providers_command;
  CLI::App app{std::string(kAbout), "wakebuilder"};
  app.set_version_flag("--version", "wakebuilder " + std::string(version()));
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(1);
  app.footer("Run 'wakebuilder VERB --help' for the options and an example of a verb.");
  read_environment(line);
  add_export(app, line, export_command);
  add_validate(app, line, validate_command);
  add_inspect(app, line, inspect_command);
  add_convert(app, line, convert_command);
  add_backbone(app, line, backbone_command);
  add_features(app, line, features_command);
  add_detect(app, line, detect_command);
  add_bench(app, line, bench_command);
  add_evaluate(app, line, evaluate_command);
  add_train(app, line, train_command);
  add_models(app, line);
  add_providers(app, line, providers_command);
  app.add_subcommand("completion", "Print the completion script for bash")
      ->group("Verbs")
      ->footer("Example:\n  source <(wakebuilder completion)");
  look_ahead(argc, argv, app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    line.command = ShowText{chosen.empty() ? app.help() : chosen.front()->help()};
    return {};
  } catch (const CLI::CallForVersion&) {
    line.command = ShowText{app.version() + "\n"};
    return {};
  } catch (const CLI::ParseError& error) {
    return fail(ErrorCode::kInvalidArgument, sentence(error.what()));
  }
  choose(app, "export", line, export_command);
  choose(app, "validate", line, validate_command);
  choose(app, "inspect", line, inspect_command);
  choose(app, "convert", line, convert_command);
  choose(app, "backbone", line, backbone_command);
  choose(app, "features", line, features_command);
  choose(app, "detect", line, detect_command);
  choose(app, "bench", line, bench_command);
  choose(app, "evaluate", line, evaluate_command);
  choose(app, "train", line, train_command);
  choose(app, "models", line, ModelsCommand{});
  choose(app, "providers", line, providers_command);
  if (app.got_subcommand("completion"))
    line.command = CompletionCommand{bash_completion(completion_verbs(app))};
  return {};
}

}  // namespace wakebuilder::cli
