#include "wakebuilder/pipeline/bench.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <ctime>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/range.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/corpus/random.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/pipeline/listen.h"
#include "wakebuilder/runtime/onnxruntime.h"

#include "pipeline/cores.h"
#include "pipeline/elapsed.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using core::Dict;
using core::Value;

constexpr std::int64_t kUsualBatch = 8;
constexpr std::size_t kLeastRuns = 3;
constexpr std::size_t kMostRuns = 100'000;
constexpr std::size_t kWarmUpRuns = 3;
constexpr double kWarmUpShare = 0.25;  ///< of the time, at the most
/// Before these a measurement never ends early: the 99th percentile is that of more than one run.
constexpr std::size_t kRunsOfASteadyMedian = 256;
constexpr double kSteady = 0.02;
constexpr std::size_t kPiecesPerSecond = 25;
/// Samples of a waveform of any length: a window of 160 frames.
constexpr std::int64_t kWindowSamples = 159 * 160 + 400;

/// Of this process, all threads.
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Even numbers from -1 to 1, the same each time.
std::vector<float> noise(std::size_t count) {
  corpus::Random random(1);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
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

/// What a child said, unless it was an error, or nothing.
Result<Value> answer_of(const std::string& text, int status) {
  auto value = core::parse_json(text);
  if (!value) {
    return fail(ErrorCode::kIo,
                "the process that measured died" +
                    (WIFSIGNALED(status) ? " of signal " + std::to_string(WTERMSIG(status)) : ""));
  }
  const Value* code = value->find("error");
  if (code == nullptr) return *std::move(value);
  return fail(static_cast<ErrorCode>(*code->get_if<std::int64_t>()),
              *value->find("message")->get_if<std::string>());
}

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
  int status = 0;
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  WAKEBUILDER_TRY(auto value, answer_of(text, status));
  return Measured{.value = std::move(value),
                  .rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
}

double number_of(const Value& value, const char* key) { return value.find(key)->number().value(); }
bool flag_of(const Value& value, const char* key) { return *value.find(key)->get_if<bool>(); }

std::string text_of(const Value& value, const char* key) {
  return *value.find(key)->get_if<std::string>();
}

Value texts(const std::vector<std::string>& all) { return core::List(all.begin(), all.end()); }

std::vector<std::string> texts_of(const Value& value, const char* key) {
  std::vector<std::string> found;
  for (const Value& text : *value.find(key)->get_if<core::List>())
    found.push_back(*text.get_if<std::string>());
  return found;
}

// ---- times

double quantile(std::vector<double> values, double share) {
  const auto index =
      static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index),
                   values.end());
  return values[index];
}

struct Times {
  std::vector<double> wall_s;
  double cpu_s = 0;  ///< of a run, the mean
  bool stable = false;
};

/// The medians of the four quarters are within 2 % of one another.
bool is_steady(const std::vector<double>& values) {
  const auto quarter = static_cast<std::ptrdiff_t>(values.size() / 4);
  if (quarter == 0) return false;
  std::array<double, 4> medians{};
  for (std::size_t i = 0; i < medians.size(); ++i) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(i) * quarter;
    medians.at(i) = quantile({begin, begin + quarter}, 0.5);
  }
  const auto [least, most] = std::ranges::minmax(medians);
  return most - least <= kSteady * least;
}

/// Asked at powers of two, so that asking costs nothing.
bool may_end(const std::vector<double>& values) {
  return values.size() >= kRunsOfASteadyMedian && std::has_single_bit(values.size()) &&
         is_steady(values);
}

/// Once at least: the first run of a session allocates.
template <class Run>
Result<void> warm_up(double seconds, const Run& run) {
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < kWarmUpRuns; ++i) {
    WAKEBUILDER_CHECK(run());
    if (seconds_since(begin) >= seconds) break;
  }
  return {};
}

template <class Run>
Result<Times> time_of(double seconds, const Run& run) {
  WAKEBUILDER_CHECK(warm_up(seconds * kWarmUpShare, run));
  Times times;
  const double cpu_before = cpu_seconds();
  const auto begin = Clock::now();
  const auto goes_on = [&](std::size_t runs) {
    return runs < kLeastRuns ||
           (seconds_since(begin) < seconds && runs < kMostRuns && !may_end(times.wall_s));
  };
  while (goes_on(times.wall_s.size())) {
    const auto start = Clock::now();
    WAKEBUILDER_CHECK(run());
    times.wall_s.push_back(seconds_since(start));
  }
  times.cpu_s = (cpu_seconds() - cpu_before) / static_cast<double>(times.wall_s.size());
  times.stable = is_steady(times.wall_s);
  return times;
}

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

/// Who runs most nodes.
std::string first_of(const std::vector<runtime::Placement>& placements) {
  return placements.empty() ? "cpu" : placements.front().provider;
}

struct OpenModel {
  runtime::Session session;
  Inputs inputs;
  std::string provider = "cpu";
};

Result<OpenModel> open_model(const fs::path& path, const BenchOptions& options, int threads,
                             std::int64_t batch) {
  WAKEBUILDER_TRY(auto runtime, runtime::OnnxRuntime::load(options.onnxruntime));
  runtime::SessionOptions settings = options.session;
  settings.threads = threads;
  settings.record_placements = !settings.providers.empty();
  WAKEBUILDER_TRY(auto session, runtime::Session::open(runtime, path, settings));
  WAKEBUILDER_TRY(auto inputs, inputs_of(session, batch));
  OpenModel model{.session = std::move(session), .inputs = std::move(inputs)};
  if (!settings.record_placements) return model;
  WAKEBUILDER_TRY(const auto placements, model.session.placements(model.inputs));
  model.provider = first_of(placements);
  return model;
}

Result<Value> measure_window(const fs::path& path, const BenchOptions& options, int threads,
                             std::int64_t batch) {
  WAKEBUILDER_TRY(auto model, open_model(path, options, threads, batch));
  std::vector<std::string> outputs;
  for (const runtime::Port& port : model.session.outputs()) outputs.push_back(port.name);
  WAKEBUILDER_TRY(const auto times, time_of(options.seconds, [&]() -> Result<void> {
                    WAKEBUILDER_CHECK(model.session.run(model.inputs, outputs));
                    return {};
                  }));
  return Value(Dict{{"provider", model.provider},
                    {"fallbacks", texts(model.session.fallbacks())},
                    {"runs", static_cast<std::int64_t>(times.wall_s.size())},
                    {"median_us", 1e6 * quantile(times.wall_s, 0.5)},
                    {"p99_us", 1e6 * quantile(times.wall_s, 0.99)},
                    {"cpu_us", 1e6 * times.cpu_s},
                    {"stable", times.stable}});
}

// ---- listening

/// A second of sound in pieces, as a microphone brings it.
Result<void> push_a_second(runtime::Detector& detector, std::span<const float> sound) {
  const std::size_t piece = sound.size() / kPiecesPerSecond;
  for (std::size_t begin = 0; begin < sound.size(); begin += piece)
    WAKEBUILDER_CHECK(detector.push(sound.subspan(begin, piece)));
  return {};
}

/// Pieces until it says something, from a detector that has heard nothing.
Result<void> push_to_a_score(runtime::Detector& detector, std::span<const float> sound) {
  const std::size_t piece = sound.size() / kPiecesPerSecond;
  while (detector.scores().empty()) WAKEBUILDER_CHECK(detector.push(sound.first(piece)));
  return {};
}

Result<Value> measure_live(const fs::path& model, const BenchOptions& options) {
  auto sound = noise(audio::kSampleRateHz);
  for (float& sample : sound) sample *= 0.05F;
  const auto begin = Clock::now();
  const ListenTarget target{.name = {}, .file = model};
  ListenOptions settings;
  settings.session = options.session;
  settings.onnxruntime = options.onnxruntime;
  WAKEBUILDER_TRY(auto listening, listen({&target, 1}, settings));
  WAKEBUILDER_CHECK(push_to_a_score(listening.detector, sound));
  const double first_s = seconds_since(begin);
  WAKEBUILDER_TRY(const auto times, time_of(options.seconds, [&] {
                    return push_a_second(listening.detector, sound);
                  }));
  const double median_s = quantile(times.wall_s, 0.5);
  const auto& providers = listening.providers;
  return Value(Dict{
      {"stream", listening.modes[0].stream},
      {"provider", providers.empty() ? "cpu" : first_of(providers.front().placements)},
      {"fallbacks", texts(providers.empty() ? std::vector<std::string>{} : providers[0].fallbacks)},
      {"first_score_ms", 1e3 * first_s},
      {"ms_per_second_of_audio", 1e3 * median_s},
      {"cpu_ms_per_s", 1e3 * times.cpu_s},
      {"real_time", 1 / median_s},
      {"stable", times.stable}});
}

// ---- the plan

Result<void> check(const BenchOptions& options) {
  for (const int threads : options.threads)
    WAKEBUILDER_CHECK(core::check_range("threads", threads, 1, 256));
  for (const std::int64_t batch : options.batches)
    WAKEBUILDER_CHECK(core::check_range("batch", static_cast<double>(batch), 1, 1024));
  return core::check_range("seconds", options.seconds, 0.01, 600);
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

/// What has to be known of a model; the model itself would count as memory of each child.
struct Traits {
  bool dynamic_batch = false;
  bool hears = false;
  std::string precision;
};

Result<Traits> traits_of(const fs::path& path) {
  WAKEBUILDER_TRY(const auto model, onnx::read_model(path));
  return Traits{.dynamic_batch = has_dynamic_batch(model),
                .hears = hears(model),
                .precision = precision_of(model)};
}

/// What is measured, where the user does not say.
BenchOptions with_defaults(BenchOptions options, const Traits& traits) {
  const int cores = physical_cores();
  if (options.threads.empty()) options.threads = cores > 1 ? std::vector{1, cores} : std::vector{1};
  if (!options.batches.empty()) return options;
  options.batches = {1};
  if (traits.dynamic_batch) options.batches.push_back(kUsualBatch);
  return options;
}

// ---- one measurement after the other

class Bench {
 public:
  Bench(const fs::path& path, BenchOptions options, Traits traits, const BenchObserver& observer)
      : path_(path),
        options_(std::move(options)),
        traits_(std::move(traits)),
        observer_(observer) {}

  Result<BenchReport> run() {
    for (const int threads : options_.threads)
      for (const std::int64_t batch : options_.batches)
        WAKEBUILDER_CHECK(add_window(threads, batch));
    if (traits_.hears) WAKEBUILDER_CHECK(add_live());
    return std::move(report_);
  }

 private:
  void tell() {
    const std::size_t windows = options_.threads.size() * options_.batches.size();
    if (observer_) observer_(told_++, windows + (traits_.hears ? 1 : 0));
  }

  void add_fallbacks(const Value& value) {
    for (std::string& fallback : texts_of(value, "fallbacks"))
      if (std::ranges::count(report_.fallbacks, fallback) == 0)
        report_.fallbacks.push_back(std::move(fallback));
  }

  Result<void> add_window(int threads, std::int64_t batch) {
    tell();
    auto measured = in_a_child([&] { return measure_window(path_, options_, threads, batch); });
    if (!measured) return fail_in(core::shown(path_), std::move(measured).error());
    const Value& value = measured->value;
    add_fallbacks(value);
    report_.rows.push_back({.model = path_.stem().string(),
                            .precision = traits_.precision,
                            .provider = text_of(value, "provider"),
                            .threads = threads,
                            .batch = batch,
                            .runs = static_cast<std::uint64_t>(number_of(value, "runs")),
                            .median_us = number_of(value, "median_us"),
                            .p99_us = number_of(value, "p99_us"),
                            .cpu_us = number_of(value, "cpu_us"),
                            .stable = flag_of(value, "stable"),
                            .rss_bytes = measured->rss_bytes});
    return {};
  }

  Result<void> add_live() {
    tell();
    WAKEBUILDER_TRY(const auto measured, in_a_child([&] { return measure_live(path_, options_); }));
    const Value& value = measured.value;
    add_fallbacks(value);
    report_.live = {.stream = flag_of(value, "stream"),
                    .provider = text_of(value, "provider"),
                    .first_score_ms = number_of(value, "first_score_ms"),
                    .ms_per_second_of_audio = number_of(value, "ms_per_second_of_audio"),
                    .cpu_ms_per_s = number_of(value, "cpu_ms_per_s"),
                    .real_time = number_of(value, "real_time"),
                    .stable = flag_of(value, "stable"),
                    .rss_bytes = measured.rss_bytes};
    return {};
  }

  const fs::path& path_;
  BenchOptions options_;
  Traits traits_;
  const BenchObserver& observer_;
  std::size_t told_ = 0;
  BenchReport report_;
};

}  // namespace

Result<BenchReport> bench(const fs::path& path, const BenchOptions& wanted,
                          const BenchObserver& observer) {
  WAKEBUILDER_CHECK(check(wanted));
  WAKEBUILDER_TRY(auto traits, traits_of(path));
  BenchOptions options = with_defaults(wanted, traits);
  return Bench(path, std::move(options), std::move(traits), observer).run();
}

}  // namespace wakebuilder::pipeline
