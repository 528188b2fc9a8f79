#include "wakebuilder/pipeline/bench.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/parallel.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/pipeline/listen.h"
#include "wakebuilder/runtime/onnxruntime.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using core::Dict;
using core::Value;

constexpr std::int64_t kUsualBatch = 8;
constexpr std::size_t kLeastRuns = 10;
constexpr std::size_t kMostRuns = 100'000;
constexpr std::size_t kWarmUpRuns = 3;
/// Samples of a waveform of any length: a window of 160 frames.
constexpr std::int64_t kWindowSamples = 159 * 160 + 400;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Of this process, all threads.
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Even numbers from -1 to 1, the same each time.
std::vector<float> noise(std::size_t count) {
  std::uint32_t state = 1;
  std::vector<float> values(count);
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;  // Numerical Recipes, "quick and dirty generators"
    value = static_cast<float>(state >> 8U) * 0x1p-23F - 1;
  }
  return values;
}

// ---- a child process for each measurement

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> piece{};
  while (true) {
    const ssize_t count = ::read(descriptor, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
}

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno != EINTR) return;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

Value error_value(const Error& error) {
  return Dict{{"error", static_cast<std::int64_t>(error.code)}, {"message", error.message}};
}

struct Measured {
  Value value;
  std::uint64_t rss_bytes = 0;
};

/// What `measure` gives, from a child that does nothing else, and the child's peak memory.
template <class Measure>
Result<Measured> in_a_child(const Measure& measure) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) return fail(ErrorCode::kIo, "a pipe cannot be made");
  const pid_t child = ::fork();
  if (child < 0) return fail(ErrorCode::kIo, "a process cannot be made");
  if (child == 0) {
    const Result<Value> value = measure();
    write_all(pipe[1], core::to_json(value ? *value : error_value(value.error())));
    ::_exit(0);
  }
  ::close(pipe[1]);
  const std::string text = read_all(pipe[0]);
  ::close(pipe[0]);
  rusage usage{};
  while (::wait4(child, nullptr, 0, &usage) < 0 && errno == EINTR) {
  }
  auto value = core::parse_json(text);
  if (!value) return fail(ErrorCode::kIo, "the process that measured died");
  if (const Value* code = value->find("error")) {
    return fail(static_cast<ErrorCode>(*code->get_if<std::int64_t>()),
                *value->find("message")->get_if<std::string>());
  }
  return Measured{.value = *std::move(value),
                  .rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
}

double number_of(const Value& value, const char* key) { return value.find(key)->number().value(); }

// ---- a window

Result<core::Shape> shape_of(const runtime::Port& port, std::int64_t batch) {
  core::Shape shape = port.shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0) continue;
    shape[i] = i == 0 ? batch : port.name == "waveform" ? kWindowSamples : 1;
  }
  if (shape.empty() || shape[0] == batch) return shape;
  return fail(ErrorCode::kMismatch, core::quote(port.name) + ": expected a batch of " +
                                        std::to_string(shape[0]) + ", which is fixed, found " +
                                        std::to_string(batch));
}

using Inputs = std::vector<std::pair<std::string, core::Tensor>>;

Result<Inputs> inputs_of(const runtime::Session& session, std::int64_t batch) {
  Inputs inputs;
  for (const runtime::Port& port : session.inputs()) {
    WAKEBUILDER_TRY(auto shape, shape_of(port, batch));
    inputs.emplace_back(port.name, core::Tensor::from(noise(core::numel(shape)), shape));
  }
  return inputs;
}

struct Times {
  std::vector<double> wall_s;
  double cpu_s = 0;
};

template <class Run>
Result<Times> time_of(double seconds, const Run& run) {
  for (std::size_t i = 0; i < kWarmUpRuns; ++i) WAKEBUILDER_CHECK(run());
  Times times;
  const double cpu_before = cpu_seconds();
  const auto begin = Clock::now();
  while (times.wall_s.size() < kLeastRuns ||
         (seconds_since(begin) < seconds && times.wall_s.size() < kMostRuns)) {
    const auto start = Clock::now();
    WAKEBUILDER_CHECK(run());
    times.wall_s.push_back(seconds_since(start));
  }
  times.cpu_s = (cpu_seconds() - cpu_before) / static_cast<double>(times.wall_s.size());
  return times;
}

double quantile(std::vector<double> values, double share) {
  const auto index = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index),
                   values.end());
  return values[index];
}

Result<Value> measure_window(const fs::path& model, const BenchOptions& options, int threads,
                             std::int64_t batch) {
  WAKEBUILDER_TRY(auto runtime, runtime::OnnxRuntime::load(options.onnxruntime));
  runtime::SessionOptions settings = options.session;
  settings.threads = threads;
  settings.record_placements = !settings.providers.empty();
  WAKEBUILDER_TRY(auto session, runtime::Session::open(runtime, model, settings));
  std::string provider = "cpu";
  if (settings.record_placements) {
    WAKEBUILDER_TRY(const auto placements, session.placements());
    if (!placements.empty()) provider = placements.front().provider;
  }
  WAKEBUILDER_TRY(const auto inputs, inputs_of(session, batch));
  std::vector<std::string> outputs;
  for (const runtime::Port& port : session.outputs()) outputs.push_back(port.name);
  WAKEBUILDER_TRY(const auto times, time_of(options.seconds, [&]() -> Result<void> {
                    auto result = session.run(inputs, outputs);
                    if (!result) return fail(std::move(result).error());
                    return {};
                  }));
  return Value(Dict{{"provider", provider},
                    {"runs", static_cast<std::int64_t>(times.wall_s.size())},
                    {"median_us", 1e6 * quantile(times.wall_s, 0.5)},
                    {"p99_us", 1e6 * quantile(times.wall_s, 0.99)},
                    {"cpu_us", 1e6 * times.cpu_s}});
}

// ---- listening

Result<Value> measure_live(const fs::path& model, const BenchOptions& options) {
  const auto begin = Clock::now();
  const ListenTarget target{.name = {}, .file = model};
  ListenOptions settings;
  settings.session = options.session;
  settings.onnxruntime = options.onnxruntime;
  WAKEBUILDER_TRY(auto listening, listen({&target, 1}, settings));
  auto sound = noise(audio::kSampleRateHz);
  for (float& sample : sound) sample *= 0.05F;
  while (listening.detector.scores().empty()) WAKEBUILDER_CHECK(listening.detector.push(sound));
  const double first = seconds_since(begin);
  std::size_t pushed = 0;
  const double cpu_before = cpu_seconds();
  const auto start = Clock::now();
  while (pushed < kLeastRuns || seconds_since(start) < options.seconds) {
    WAKEBUILDER_CHECK(listening.detector.push(sound));
    ++pushed;
  }
  const auto sound_s = static_cast<double>(pushed);
  return Value(Dict{{"stream", listening.modes[0].stream},
                    {"first_score_ms", 1e3 * first},
                    {"cpu_ms_per_s", 1e3 * (cpu_seconds() - cpu_before) / sound_s},
                    {"real_time", sound_s / seconds_since(start)}});
}

// ---- the plan

Result<void> in_range(const char* name, double value, double least, double most) {
  if (value >= least && value <= most) return {};
  return fail(ErrorCode::kInvalidArgument, std::string(name) + ": expected " +
                                               core::to_text(least) + " to " + core::to_text(most) +
                                               ", found " + core::to_text(value));
}

Result<void> check(const BenchOptions& options) {
  for (const int threads : options.threads) WAKEBUILDER_CHECK(in_range("threads", threads, 1, 256));
  for (const std::int64_t batch : options.batches)
    WAKEBUILDER_CHECK(in_range("batch", static_cast<double>(batch), 1, 1024));
  return in_range("seconds", options.seconds, 0.01, 600);
}

/// The inputs of the model's graph, without its initializers.
const std::vector<onnx::ValueInfoProto>& inputs_of(const onnx::ModelProto& model) {
  static const std::vector<onnx::ValueInfoProto> kNone;
  return model.graph ? model.graph->inputs : kNone;
}

bool has_dynamic_batch(const onnx::ModelProto& model) {
  return std::ranges::all_of(inputs_of(model), [](const auto& info) {
    return info.type && info.type->shape && !info.type->shape->empty() &&
           !info.type->shape->front().value;
  });
}

bool hears(const onnx::ModelProto& model) {
  return std::ranges::any_of(inputs_of(model), [](const auto& info) {
    return info.name == "input_values" || info.name == "waveform";
  });
}

std::string precision_of(const onnx::ModelProto& model) {
  const std::string* precision = model.metadata("precision");
  return precision != nullptr ? *precision : "?";
}

/// What is measured, where the user does not say.
BenchOptions with_defaults(BenchOptions options, const onnx::ModelProto& model) {
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (options.threads.empty()) options.threads = cores > 1 ? std::vector{1, cores} : std::vector{1};
  if (options.batches.empty()) {
    options.batches = {1};
    if (has_dynamic_batch(model)) options.batches.push_back(kUsualBatch);
  }
  return options;
}

Result<BenchRow> bench_window(const fs::path& model, const BenchOptions& options, int threads,
                              std::int64_t batch) {
  WAKEBUILDER_TRY(const auto measured,
                  in_a_child([&] { return measure_window(model, options, threads, batch); }));
  const Value& value = measured.value;
  return BenchRow{.model = model.stem().string(),
                  .precision = {},
                  .provider = *value.find("provider")->get_if<std::string>(),
                  .threads = threads,
                  .batch = batch,
                  .runs = static_cast<std::uint64_t>(number_of(value, "runs")),
                  .median_us = number_of(value, "median_us"),
                  .p99_us = number_of(value, "p99_us"),
                  .cpu_us = number_of(value, "cpu_us"),
                  .rss_bytes = measured.rss_bytes};
}

Result<LiveRow> bench_live(const fs::path& model, const BenchOptions& options) {
  WAKEBUILDER_TRY(const auto measured, in_a_child([&] { return measure_live(model, options); }));
  const Value& value = measured.value;
  return LiveRow{.stream = *value.find("stream")->get_if<bool>(),
                 .first_score_ms = number_of(value, "first_score_ms"),
                 .cpu_ms_per_s = number_of(value, "cpu_ms_per_s"),
                 .real_time = number_of(value, "real_time"),
                 .rss_bytes = measured.rss_bytes};
}

}  // namespace

Result<BenchReport> bench(const fs::path& path, const BenchOptions& wanted,
                          const BenchObserver& observer) {
  WAKEBUILDER_CHECK(check(wanted));
  WAKEBUILDER_TRY(const auto model, onnx::read_model(path));
  const BenchOptions options = with_defaults(wanted, model);
  const std::size_t windows = options.threads.size() * options.batches.size();
  const std::size_t all = windows + (hears(model) ? 1 : 0);
  std::size_t next = 0;
  const auto tell = [&] {
    if (observer) observer(next, all);
    ++next;
  };
  BenchReport report;
  for (const int threads : options.threads) {
    for (const std::int64_t batch : options.batches) {
      tell();
      auto row = bench_window(path, options, threads, batch);
      if (!row) return fail_in(core::shown(path), std::move(row).error());
      row->precision = precision_of(model);
      report.rows.push_back(*std::move(row));
    }
  }
  if (!hears(model)) return report;
  tell();
  WAKEBUILDER_TRY(report.live, bench_live(path, options));
  return report;
}

}  // namespace wakebuilder::pipeline
