#include "cli/run.h"

#include <chrono>
#include <fcntl.h>
#include <iostream>
#include <unistd.h>

#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/pipeline/backbone.h"
#include "wakebuilder/pipeline/bench.h"
#include "wakebuilder/pipeline/convert.h"
#include "wakebuilder/pipeline/evaluate.h"
#include "wakebuilder/pipeline/export.h"
#include "wakebuilder/pipeline/features.h"
#include "wakebuilder/pipeline/inspect.h"
#include "wakebuilder/pipeline/providers.h"
#include "wakebuilder/pipeline/rates_plot.h"
#include "wakebuilder/pipeline/registry.h"
#include "wakebuilder/pipeline/report.h"
#include "wakebuilder/pipeline/validate.h"

#include "cli/answer.h"
#include "cli/detect.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/target.h"
#include "cli/train.h"

namespace wakebuilder::cli {
namespace {

namespace fs = std::filesystem;

// ---- export ----

fs::path default_output(const fs::path& checkpoint, bool stream) {
  return fs::path(checkpoint).replace_extension(stream ? ".stream.onnx" : ".onnx");
}

Result<pipeline::ExportReport> export_file(const ExportCommand& command,
                                           const fs::path& checkpoint) {
  const fs::path output = command.output.empty()
                              ? default_output(checkpoint, command.options.variant.stream)
                              : command.output;
  return pipeline::export_onnx(checkpoint, output, command.options);
}

Result<pipeline::ExportReport> export_named(const CommandLine& line, const ExportCommand& command,
                                            const std::string& name) {
  WAKEBUILDER_TRY(const auto entry, pipeline::Registry(line.models).find(name));
  if (!command.output.empty()) return export_file(command, entry.checkpoint);
  return pipeline::export_entry(entry, command.options);
}

Result<pipeline::ExportReport> export_any(const CommandLine& line, const ExportCommand& command) {
  const bool is_named = !command.target.empty() || !command.model.empty();
  if (!command.checkpoint.empty() && is_named) {
    return fail(ErrorCode::kInvalidArgument, "expected a model's name or --checkpoint, found both");
  }
  if (!command.checkpoint.empty()) return export_file(command, command.checkpoint);
  if (!is_named) {
    return fail(ErrorCode::kInvalidArgument,
                "expected a model's name or --checkpoint FILE, found neither");
  }
  WAKEBUILDER_TRY(const auto name, registry_name(command.target, command.model));
  return name.empty() ? export_file(command, command.target) : export_named(line, command, name);
}

Result<int> run(const CommandLine& line, const ExportCommand& command) {
  WAKEBUILDER_TRY(const auto report, export_any(line, command));
  answer(line, report, show(report));
  return 0;
}

// ---- validate ----

struct ValidateTarget {
  fs::path model;
  fs::path checkpoint;
};

bool is_model_name(const std::string& name) { return fs::path(name).extension() == ".onnx"; }

Result<ValidateTarget> named_target(const CommandLine& line, const std::string& name) {
  WAKEBUILDER_TRY(const auto entry, find_exported(line.models, name));
  return ValidateTarget{.model = entry.onnx,
                        .checkpoint = entry.has_checkpoint ? entry.checkpoint : fs::path()};
}

Result<ValidateTarget> find_target(const CommandLine& line, const ValidateCommand& command) {
  const auto& targets = command.targets;
  if (targets.empty() && command.model.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "expected a model's name or an .onnx file, found neither");
  }
  if (targets.size() > 2)
    return fail(ErrorCode::kInvalidArgument, "expected at most a checkpoint and an .onnx file");
  if (targets.size() == 2) {
    WAKEBUILDER_CHECK(registry_name(targets[0], command.model));
    const bool model_first = is_model_name(targets[0]) && !is_model_name(targets[1]);
    return ValidateTarget{.model = targets[model_first ? 0 : 1],
                          .checkpoint = targets[model_first ? 1 : 0]};
  }
  const std::string target = targets.empty() ? std::string() : targets[0];
  WAKEBUILDER_TRY(const auto name, registry_name(target, command.model));
  if (name.empty()) return ValidateTarget{.model = target, .checkpoint = {}};
  return named_target(line, name);
}

Result<int> run(const CommandLine& line, const ValidateCommand& command) {
  WAKEBUILDER_TRY(auto target, find_target(line, command));
  if (!command.checkpoint.empty()) target.checkpoint = command.checkpoint;
  WAKEBUILDER_TRY(const auto report,
                  pipeline::validate(target.model, {.checkpoint = target.checkpoint,
                                                    .base = command.base,
                                                    .activations = command.activations,
                                                    .atol = command.atol,
                                                    .onnxruntime = command.onnxruntime}));
  answer(line, report, show(report, target.model.string()));
  return report.valid ? 0 : 1;
}

// ---- inspect, convert, features, models, providers, completion ----

Result<fs::path> inspect_target(const CommandLine& line, const InspectCommand& command) {
  if (command.target.empty() && command.model.empty()) {
    return fail(ErrorCode::kInvalidArgument, "expected a file or a model's name, found neither");
  }
  WAKEBUILDER_TRY(const auto name, registry_name(command.target, command.model));
  if (name.empty()) return fs::path(command.target);
  WAKEBUILDER_TRY(const auto entry, pipeline::Registry(line.models).find(name));
  return entry.has_onnx ? entry.onnx : entry.checkpoint;
}

Result<int> run(const CommandLine& line, const InspectCommand& command) {
  WAKEBUILDER_TRY(const auto file, inspect_target(line, command));
  WAKEBUILDER_TRY(const auto inspection, pipeline::inspect(file));
  if (!command.svg.empty()) {
    WAKEBUILDER_TRY(const auto svg, pipeline::draw(file));
    WAKEBUILDER_CHECK(core::write_file(command.svg, svg));
  }
  answer(line, inspection, show(inspection, file.string(), command.graph));
  return 0;
}

Result<int> run(const CommandLine& line, const ConvertCommand& command) {
  WAKEBUILDER_TRY(const auto report,
                  pipeline::convert(command.input, command.output, command.force));
  answer(line, report, show(report));
  return 0;
}

Result<int> run(const CommandLine& line, const FeaturesCommand& command) {
  auto options = command.options;
  if (!command.preprocessor.empty()) {
    WAKEBUILDER_TRY(options, audio::read_preprocessor(command.preprocessor));
  }
  WAKEBUILDER_TRY(const auto report,
                  pipeline::extract_features(command.recording, command.output, options));
  answer(line, report, show(report));
  return 0;
}

constexpr const char* kClearedLine = "\r\x1b[K";

/// "measuring 2 of 5", in one place, where somebody looks, and gone at the end.
class Progress {
 public:
  Progress() = default;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (is_seen_) std::cerr << kClearedLine << std::flush;
  }

  void show(std::size_t next, std::size_t all) const {
    if (is_seen_)
      std::cerr << kClearedLine << "measuring " << next + 1 << " of " << all << std::flush;
  }

 private:
  bool is_seen_ = ::isatty(STDERR_FILENO) != 0;
};

Result<pipeline::BenchReport> measure(const fs::path& model,
                                      const pipeline::BenchOptions& options) {
  const Progress progress;
  return pipeline::bench(model, options, [&](auto next, auto all) { progress.show(next, all); });
}

Result<int> run(const CommandLine& line, const BenchCommand& command) {
  const std::string& target = command.model.empty() ? command.target : command.model;
  WAKEBUILDER_CHECK(registry_name(command.target, command.model));
  if (target.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "expected a model's name or an .onnx file, found neither");
  }
  WAKEBUILDER_TRY(const auto model, listen_target(line.models, target));
  WAKEBUILDER_TRY(const auto report, measure(model.file, command.options));
  answer(line, report, show(report));
  return 0;
}

/// "hearing clip 12 of 90, 1:05 left", in one place, where somebody looks.
class ClipProgress {
 public:
  void show(std::size_t done, std::size_t all) const {
    if (::isatty(STDERR_FILENO) == 0) return;
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin_;
    const double left = spent.count() * static_cast<double>(all - done) / static_cast<double>(done);
    std::cerr << kClearedLine << "hearing clip " << done << " of " << all << ", "
              << clock_text(left) << " left" << (done == all ? kClearedLine : "") << std::flush;
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

void say_remarks(const pipeline::EvaluateReport& report) {
  for (const auto& mode : report.modes)
    if (!mode.remark.empty())
      std::cerr << "wakebuilder: evaluate: " << core::printable(mode.model) << ": " << mode.remark
                << "\n";
  for (const auto& skipped : report.skipped)
    std::cerr << "wakebuilder: evaluate: skipped: " << skipped.reason << "\n";
}

Result<int> run(const CommandLine& line, const EvaluateCommand& command) {
  if (command.targets.empty())
    return fail(ErrorCode::kInvalidArgument,
                "expected a model's name or an .onnx file, found neither");
  std::vector<pipeline::ListenTarget> targets;
  for (const std::string& name : command.targets) {
    WAKEBUILDER_TRY(auto target, listen_target(line.models, name));
    targets.push_back(std::move(target));
  }
  const ClipProgress progress;
  WAKEBUILDER_TRY(const auto report,
                  pipeline::evaluate(targets, command.options,
                                     [&](auto done, auto all) { progress.show(done, all); }));
  say_remarks(report);
  if (!command.plot.empty())
    WAKEBUILDER_CHECK(core::write_file(command.plot, pipeline::draw_rates(report)));
  answer(line, report, show(report));
  return 0;
}

Result<int> run(const CommandLine& line, const BackboneCommand& command) {
  WAKEBUILDER_TRY(const auto report, pipeline::import_backbone(command.input, command.output,
                                                               command.force, command.onnxruntime));
  answer(line, report, show(report));
  return 0;
}

Result<int> run(const CommandLine& line, const ModelsCommand& /*command*/) {
  WAKEBUILDER_TRY(const auto models, pipeline::Registry(line.models).list());
  answer(line, models, show(models, line.models.string()));
  return 0;
}

/// While providers are tried, stderr is away: the libraries behind them talk to it by themselves
/// (WebGPU's: "Warning: Couldn't load Vulkan"), and errors are to be one line.
class StderrAway {
 public:
  StderrAway() : kept_(::dup(STDERR_FILENO)) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (kept_ >= 0 && nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
    if (nowhere >= 0) ::close(nowhere);
  }
  StderrAway(const StderrAway&) = delete;
  StderrAway& operator=(const StderrAway&) = delete;
  ~StderrAway() {
    if (kept_ < 0) return;
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
  }

 private:
  int kept_;
};

Result<pipeline::ProvidersReport> try_providers(const fs::path& onnxruntime) {
  const StderrAway away;
  return pipeline::list_providers(onnxruntime);
}

Result<int> run(const CommandLine& line, const ProvidersCommand& command) {
  WAKEBUILDER_TRY(const auto report, try_providers(command.onnxruntime));
  answer(line, report, show(report));
  return 0;
}

Result<int> run(const CommandLine& /*line*/, const CompletionCommand& command) {
  std::cout << command.script;
  return 0;
}

Result<int> run(const CommandLine& /*line*/, const ShowText& command) {
  std::cout << command.text;
  return 0;
}

}  // namespace

Result<int> run(const CommandLine& line) {
  return std::visit([&](const auto& command) { return run(line, command); }, line.command);
}

}  // namespace wakebuilder::cli
