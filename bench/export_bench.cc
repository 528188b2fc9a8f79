// Where the time of an export goes: the head of 768 with every block, step by step and as a whole.
// Each benchmark first compares its result with something that it must equal, then times it.

#include "wakebuilder/pipeline/export.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/sha256.h"
#include "wakebuilder/model/classifier.h"
#include "wakebuilder/model/fold.h"
#include "wakebuilder/model/reference.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/pipeline/compare.h"
#include "wakebuilder/pipeline/load.h"

#include "model/product.h"
#include "support/heads.h"
#include "support/temporary_folder.h"

namespace wakebuilder {
namespace {

using pipeline::LoadedNetwork;

const model::HeadConfig kAllBlocks = {.use_attention = true, .use_se_block = true, .use_tcn = true};

/// ctest fails when a benchmark says this.
void refuse(benchmark::State& state, const std::string& message) {
  state.SkipWithError(("wrong result: " + message).c_str());
}

template <class T>
void need(const Result<T>& result) {
  if (!result) throw std::runtime_error(result.error().message);
}

template <class T>
T value(Result<T> result) {
  need(result);
  return *std::move(result);
}

/// The checkpoint on the disk and what is read from it; made once.
class Example {
 public:
  static const Example& get() {
    static const Example kExample;
    return kExample;
  }

  std::filesystem::path checkpoint() const { return folder_ / "head.pt"; }
  std::filesystem::path output() const { return folder_ / "head.onnx"; }
  const LoadedNetwork& loaded() const { return loaded_; }
  const model::Classifier& classifier() const {
    return std::get<model::Classifier>(loaded_.network);
  }
  model::Network folded_network() const { return model::fold(loaded_.network); }
  model::Head<model::Parameter> folded() const {
    return model::fold(classifier().head, classifier().config);
  }

 private:
  Example() {
    core::Dict weights;
    for (const auto& [name, tensor] : test::random_head(kAllBlocks)) {
      weights.emplace_back(name, tensor);
    }
    auto file = value(core::StagedFile::create(checkpoint()));
    need(
        checkpoint::write_pytorch(file, core::Dict{{"classifier_state_dict", std::move(weights)}}));
    need(file.publish());
    loaded_ = value(pipeline::load_network(checkpoint()));
  }

  test::TemporaryFolder folder_;
  LoadedNetwork loaded_;
};

model::Array logits_of(const model::Head<model::Parameter>& head) {
  model::Reference reference;
  const auto embeddings = model::to_array(pipeline::test_rows(Example::get().loaded().network, {}));
  return *model::forward(reference, head, kAllBlocks, model::Reference::input(embeddings));
}

/// max |a - b| / max(1, |b|)
double difference(const model::Array& a, const model::Array& b) {
  double worst = 0;
  for (std::size_t i = 0; i < b.data.size(); ++i) {
    worst = std::max(worst, std::abs(a.data[i] - b.data[i]) / std::max(1.0, std::abs(b.data[i])));
  }
  return worst;
}

void count_bytes(benchmark::State& state, std::uint64_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

// ---- reading ----

void load(benchmark::State& state) {
  const Example& example = Example::get();
  if (example.classifier().parameters() != 6435650) refuse(state, "number of parameters");
  for (auto _ : state) benchmark::DoNotOptimize(pipeline::load_network(example.checkpoint()));
  count_bytes(state, std::filesystem::file_size(example.checkpoint()));
}
BENCHMARK(load)->Unit(benchmark::kMillisecond)->UseRealTime();

void sha256(benchmark::State& state) {
  const auto file = value(core::MappedFile::open(Example::get().checkpoint()));
  if (core::sha256_hex({}).substr(0, 8) != "e3b0c442") refuse(state, "of the empty text");
  for (auto _ : state) benchmark::DoNotOptimize(core::sha256_hex(file->bytes()));
  count_bytes(state, file->bytes().size());
}
BENCHMARK(sha256)->Unit(benchmark::kMillisecond);

// ---- building ----

void fold(benchmark::State& state) {
  const Example& example = Example::get();
  const double worst =
      difference(logits_of(example.folded()), logits_of(example.classifier().head));
  if (worst > 1e-5) refuse(state, "folded logits differ by " + std::to_string(worst));
  for (auto _ : state) benchmark::DoNotOptimize(example.folded());
}
BENCHMARK(fold)->Unit(benchmark::kMillisecond);

/// 768 x 768 x 768, the largest part of folding, with each instruction set of this processor.
void product(benchmark::State& state, const model::ProductKernel& kernel) {
  constexpr std::size_t kSize = 768;
  std::vector<float> a(kSize * kSize);
  std::vector<float> b(kSize * kSize);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<float>(i * 7919 % 1009) / 1009.0F - 0.5F;
    b[i] = static_cast<float>(i * 104729 % 1013) / 1013.0F - 0.5F;
  }
  const auto found = model::product(a, b, kSize, kernel);
  for (std::size_t i = 0; i < found.size(); i += 1237) {
    double sum = 0;
    for (std::size_t k = 0; k < kSize; ++k) {
      sum += static_cast<double>(a[i / kSize * kSize + k]) *
             static_cast<double>(b[k * kSize + i % kSize]);
    }
    if (found[i] != static_cast<float>(sum)) refuse(state, "element " + std::to_string(i));
  }
  for (auto _ : state) benchmark::DoNotOptimize(model::product(a, b, kSize, kernel));
}

const bool kProductsRegistered = [] {
  for (const model::ProductKernel& kernel : model::product_kernels()) {
    benchmark::RegisterBenchmark(("product/" + std::string(kernel.name)).c_str(), product, kernel)
        ->Unit(benchmark::kMillisecond);
  }
  return true;
}();

void build_and_serialize(benchmark::State& state) {
  const auto network = Example::get().folded_network();
  const auto build = [&] { return onnx::build(network, {}, 17); };
  const std::string bytes = onnx::serialize(build());
  const auto read = onnx::parse_model(std::as_bytes(std::span(bytes)), nullptr);
  if (!read || onnx::serialize(*read) != bytes) refuse(state, "does not read what it wrote");
  for (auto _ : state) benchmark::DoNotOptimize(onnx::serialize(build()));
  count_bytes(state, bytes.size());
}
BENCHMARK(build_and_serialize)->Unit(benchmark::kMillisecond);

// ---- checking ----

using Check = onnx::CheckReport (*)(const onnx::ModelProto&, const std::filesystem::path&);

void check(benchmark::State& state, Check judge) {
  const auto model = onnx::build(Example::get().folded_network(), {}, 17);
  if (!core::passes(judge(model, {}).findings)) refuse(state, "a sound model does not pass");
  auto damaged = model;
  damaged.graph->nodes.front().inputs.front() = "nothing";
  if (core::passes(judge(damaged, {}).findings)) refuse(state, "a damaged model passes");
  for (auto _ : state) benchmark::DoNotOptimize(judge(model, {}));
}
BENCHMARK_CAPTURE(check, structure, &onnx::check_structure)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(check, and_onnx_library, &onnx::check_model)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void reference(benchmark::State& state) {
  const Example& example = Example::get();
  const auto expected = logits_of(example.folded());
  const double worst = difference(logits_of(example.classifier().head), expected);
  if (worst > 1e-5) refuse(state, "faithful logits differ by " + std::to_string(worst));
  for (auto _ : state) benchmark::DoNotOptimize(logits_of(example.classifier().head));
}
BENCHMARK(reference)->Unit(benchmark::kMillisecond);

void open_session(benchmark::State& state) {
  const auto runtime = runtime::OnnxRuntime::load();
  if (!runtime) return state.SkipWithError(runtime.error().message.c_str());
  const Example& example = Example::get();
  const std::string model = onnx::serialize(onnx::build(example.folded_network(), {}, 17));
  const auto open = [&] {
    return runtime::Session::open(*runtime, std::as_bytes(std::span(model)));
  };
  auto session = value(open());
  const auto validation =
      pipeline::compare(session, pipeline::make_trial(example.loaded().network, {}), 0.5, 1e-5);
  if (!validation || !validation->passed) refuse(state, "logits differ from the reference");
  for (auto _ : state) benchmark::DoNotOptimize(open());
}
BENCHMARK(open_session)->Unit(benchmark::kMillisecond);

// ---- all of it ----

void whole_export(benchmark::State& state) {
  if (const auto runtime = runtime::OnnxRuntime::load(); !runtime) {
    return state.SkipWithError(runtime.error().message.c_str());
  }
  const Example& example = Example::get();
  const auto run = [&] { return pipeline::export_onnx(example.checkpoint(), example.output()); };
  const auto report = run();
  if (!report) return refuse(state, report.error().message);
  if (!report->validation.passed || report->bytes > 9'300'000) refuse(state, "size or proof");
  for (auto _ : state) benchmark::DoNotOptimize(run());
  count_bytes(state, report->bytes);
}
BENCHMARK(whole_export)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace wakebuilder
