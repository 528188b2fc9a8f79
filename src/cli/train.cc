#include "cli/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <string>
#include <unistd.h>

#include "wakebuilder/pipeline/train.h"

#include "cli/answer.h"
#include "cli/interrupt.h"
#include "cli/show.h"
#include "cli/table.h"

namespace wakebuilder::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::string bar(double share) {
  constexpr int kCells = 24;
  const auto filled = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * kCells));
  std::string text;
  for (int i = 0; i < kCells; ++i) text += i < filled ? "█" : "·";
  return text;
}

/// One line for each stage: redrawn where somebody looks, else only when a stage ends.
class StageMeter {
 public:
  void show(const pipeline::TrainProgress& progress) {
    const auto now = Clock::now();
    if (progress.stage != stage_) begin(progress.stage, now);
    if (!progress.remark.empty()) remark_ = progress.remark;
    const bool is_over = progress.share >= 1 && !is_over_;
    if (is_over) return end(now);
    if (!is_terminal_ || is_over_ || now - drawn_ < std::chrono::milliseconds(100)) return;
    drawn_ = now;
    const std::string left =
        progress.seconds_left ? ", " + clock_text(*progress.seconds_left) + " left" : "";
    std::cerr << "\r" << name() << bar(progress.share) << " " << std::lround(100 * progress.share)
              << " %" << left << (remark_.empty() ? "" : "  " + remark_) << "\x1b[K" << std::flush;
  }

 private:
  std::string name() const {
    constexpr std::size_t kWidth = 11;
    return stage_ + std::string(kWidth - std::min(kWidth - 1, stage_.size()), ' ');
  }

  void begin(const std::string& stage, Clock::time_point now) {
    stage_ = stage;
    remark_.clear();
    began_ = now;
    is_over_ = false;
  }

  void end(Clock::time_point now) {
    is_over_ = true;
    const std::chrono::duration<double> taken = now - began_;
    std::cerr << (is_terminal_ ? "\r" : "") << name() << "done in " << clock_text(taken.count())
              << (is_terminal_ ? "\x1b[K" : "") << "\n";
  }

  bool is_terminal_ = ::isatty(STDERR_FILENO) != 0;
  std::string stage_;
  std::string remark_;
  Clock::time_point began_, drawn_;
  bool is_over_ = false;
};

pipeline::TrainingSize size_of(const TrainCommand& command) {
  auto size = command.quick ? pipeline::TrainingSize::quick() : pipeline::TrainingSize();
  if (!command.options.base.empty()) size = size.for_ast();
  size.windows = command.windows.value_or(size.windows);
  size.steps = command.steps.value_or(size.steps);
  return size;
}

/// A run that was stopped says how to go on.
Error explained(Error error) {
  if (error.message == "stopped")
    error.message =
        "stopped; what was said so far is kept, and the same command goes on from there";
  return error;
}

Result<int> preview(const CommandLine& line, const TrainCommand& command,
                    const pipeline::TrainOptions& options,
                    const pipeline::TrainObserver& observer) {
  constexpr std::size_t kWindows = 50;
  auto report =
      pipeline::preview_training(command.text, options, command.preview, kWindows, observer);
  if (!report) return fail(explained(std::move(report).error()));
  answer(line, *report, show(*report));
  return 0;
}

}  // namespace

Result<int> run(const CommandLine& line, const TrainCommand& command) {
  pipeline::TrainOptions options = command.options;
  options.models = line.models;
  options.size = size_of(command);
  end_politely();
  StageMeter meter;
  const auto observer = [&](const pipeline::TrainProgress& now) {
    meter.show(now);
    return interrupted == 0;
  };
  if (!command.preview.empty()) return preview(line, command, options, observer);
  auto report = pipeline::train(command.text, options, observer);
  if (!report) return fail(explained(std::move(report).error()));
  for (const std::string& remark : report->remarks)
    std::cerr << "wakebuilder: train: skipped: " << remark << "\n";
  answer(line, *report, show(*report));
  return report->record.has_onnx ? 0 : 1;
}

}  // namespace wakebuilder::cli
