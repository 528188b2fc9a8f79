#include "wakebuilder/pipeline/compare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <random>
#include <span>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/write.h"

namespace wakebuilder::pipeline {
namespace {

using core::Tensor;
using NamedInput = std::pair<std::string, Tensor>;

constexpr std::size_t kTestRows = 7;

/// First row and number of rows of each run: batches of 1, 2 and 7.
struct Batch {
  std::size_t first;
  std::size_t rows;
};
constexpr std::array kBatches = {Batch{0, 1}, Batch{1, 2}, Batch{0, kTestRows}};

/// Standard normal numbers, the same on every machine (std::normal_distribution is not).
class Normal {
 public:
  double next() {  // Box and Muller 1958
    const double radius = std::sqrt(-2.0 * std::log(uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  double uniform() { return (static_cast<double>(engine_() >> 11U) + 0.5) * 0x1p-53; }
  std::mt19937_64 engine_{20240229};
};

Tensor rows_of(const Tensor& tensor, std::size_t first, std::size_t rows) {
  const auto width = static_cast<std::size_t>(tensor.shape()[1]);
  const auto values = tensor.as<float>().subspan(first * width, rows * width);
  return Tensor::from(std::vector<float>(values.begin(), values.end()),
                      {static_cast<std::int64_t>(rows), tensor.shape()[1]});
}

/// The decision of the detector: softmax over two logits, class 1, against the threshold.
bool decides(double logit_0, double logit_1, double threshold) {
  return 1.0 / (1.0 + std::exp(logit_0 - logit_1)) >= threshold;
}

BatchResult compare_batch(std::span<const float> found, std::span<const double> reference,
                          double threshold) {
  BatchResult result{.batch = found.size() / 2, .difference = {}, .decision_flips = 0};
  for (std::size_t i = 0; i < found.size(); ++i) {
    result.difference.include(static_cast<double>(found[i]), reference[i]);
  }
  for (std::size_t i = 0; i + 1 < found.size(); i += 2) {
    const bool flips = decides(static_cast<double>(found[i]), static_cast<double>(found[i + 1]),
                               threshold) != decides(reference[i], reference[i + 1], threshold);
    result.decision_flips += flips ? 1U : 0U;
  }
  return result;
}

void add_batch(Validation& validation, const BatchResult& batch) {
  validation.max_abs_diff = std::max(validation.max_abs_diff, batch.difference.max_abs_diff);
  validation.max_rel_diff = std::max(validation.max_rel_diff, batch.difference.max_rel_diff);
  validation.decision_flips += batch.decision_flips;
  validation.batches.push_back(batch);
}

void judge(Validation& validation) {
  validation.passed = std::ranges::all_of(validation.batches, [&](const BatchResult& batch) {
    return batch.difference.max_scaled_diff <= validation.atol;
  });
}

/// The model must take `embeddings` [any, width] and give `logits` [any, 2].
Result<void> check_ports(const runtime::Session& session, std::int64_t width) {
  const auto& inputs = session.inputs();
  const auto& outputs = session.outputs();
  if (inputs.size() != 1 || inputs[0].name != "embeddings" || inputs[0].shape.size() != 2) {
    return fail(ErrorCode::kMismatch,
                "expected a model of one input, embeddings [batch, " + std::to_string(width) +
                    "], found " + std::to_string(inputs.size()) +
                    (inputs.empty() ? ""
                                    : ": " + core::quote(inputs[0].name) + " " +
                                          core::to_string(inputs[0].shape)));
  }
  if (inputs[0].shape[1] != width && inputs[0].shape[1] != -1) {
    return fail(ErrorCode::kMismatch, "embeddings: expected width " + std::to_string(width) +
                                          ", found " + std::to_string(inputs[0].shape[1]) +
                                          " in the model");
  }
  const bool has_logits =
      std::ranges::any_of(outputs, [](const auto& port) { return port.name == "logits"; });
  if (!has_logits)
    return fail(ErrorCode::kMismatch, "expected an output named logits, found none in the model");
  return {};
}

Result<std::vector<Tensor>> run(runtime::Session& session, const Tensor& embeddings,
                                const std::vector<std::string>& outputs) {
  const std::array<NamedInput, 1> inputs = {NamedInput{"embeddings", embeddings}};
  return session.run(inputs, outputs);
}

Result<Tensor> run_logits(runtime::Session& session, const Tensor& embeddings) {
  WAKEBUILDER_TRY(auto outputs, run(session, embeddings, {"logits"}));
  const core::Shape expected = {embeddings.shape()[0], model::kClasses};
  if (outputs[0].shape() != expected) {
    return fail(ErrorCode::kMismatch, "logits: expected " + core::to_string(expected) + ", found " +
                                          core::to_string(outputs[0].shape()));
  }
  return std::move(outputs[0]);
}

double threshold_of(const model::Classifier& classifier) {
  return classifier.threshold.value_or(model::kDefaultThreshold);
}

/// The name of a layer as WakeBuilder's modules are stored: "se_block" -> "after_se".
std::string activation_name(const std::string& layer) {
  constexpr std::string_view kHidden = "classifier/hidden_";
  if (layer.starts_with(kHidden)) return "after_hidden_" + layer.substr(kHidden.size());
  if (layer == "se_block") return "after_se";
  if (layer == "tcn_block") return "after_tcn";
  return "after_" + layer;
}

/// Layer names of a head, whatever blocks it has, in order of evaluation.
std::vector<std::string> possible_layers() {
  std::vector<std::string> layers = {"input_norm", "attention", "se_block", "tcn_block"};
  for (int i = 0; i < 32; ++i) layers.push_back("classifier/hidden_" + std::to_string(i));
  return layers;
}

using Expected = std::map<std::string, model::Array>;  // by layer

/// Runs the model with its layers exposed and compares each with what is expected of it.
Result<void> compare_layers(const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                            const onnx::ModelProto& proto, const Tensor& embeddings,
                            const std::vector<std::string>& layers, const Expected& expected,
                            Validation& validation) {
  const auto values = onnx::layer_values(proto, layers);
  if (values.empty()) return {};  // a model of another maker: its nodes have other names
  const std::string bytes = onnx::serialize(onnx::expose(proto, values));
  WAKEBUILDER_TRY(auto session, runtime::Session::open(runtime, std::as_bytes(std::span(bytes))));
  std::vector<std::string> outputs;
  outputs.reserve(values.size());
  for (const auto& entry : values) outputs.push_back(entry.second);
  WAKEBUILDER_TRY(const auto found, run(session, embeddings, outputs));
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto reference = expected.find(values[i].first);
    const auto numbers = found[i].as<float>();
    if (reference == expected.end() || reference->second.data.size() != numbers.size()) continue;
    Difference difference;
    for (std::size_t j = 0; j < numbers.size(); ++j) {
      difference.include(static_cast<double>(numbers[j]), reference->second.data[j]);
    }
    validation.layers.push_back(
        {.layer = values[i].first, .max_abs_diff = difference.max_abs_diff});
    const bool differs = difference.max_scaled_diff > validation.atol;
    if (differs && validation.first_layer.empty()) validation.first_layer = values[i].first;
  }
  return {};
}

Result<Tensor> float_tensor(const checkpoint::Checkpoint& file, const std::string& name) {
  const core::Value* value = file.root.find(name);
  const auto* tensor = value != nullptr ? value->get_if<Tensor>() : nullptr;
  if (tensor == nullptr) {
    return fail(ErrorCode::kMismatch, "expected a tensor " + name + ", found none");
  }
  if (tensor->dtype() != core::DType::kFloat32 && tensor->dtype() != core::DType::kFloat64) {
    return fail(ErrorCode::kMismatch, name + ": expected float32 or float64, found " +
                                          std::string(core::to_string(tensor->dtype())));
  }
  return *tensor;
}

struct Activations {
  Tensor embeddings;
  model::Array logits;
  Expected layers;
};

Result<Activations> parse_activations(const checkpoint::Checkpoint& file) {
  WAKEBUILDER_TRY(const auto embeddings, float_tensor(file, "embeddings"));
  WAKEBUILDER_TRY(
      const auto logits,
      float_tensor(file, file.root.find("logits_f64") != nullptr ? "logits_f64" : "logits"));
  Activations activations;
  WAKEBUILDER_TRY(activations.embeddings, core::to_float32(embeddings));
  activations.logits = model::to_array(logits);
  if (embeddings.shape().size() != 2 ||
      logits.shape() != core::Shape{embeddings.shape()[0], model::kClasses}) {
    return fail(ErrorCode::kMismatch,
                "expected embeddings [rows, width] and logits [rows, 2], found " +
                    core::to_string(embeddings.shape()) + " and " +
                    core::to_string(logits.shape()));
  }
  for (const std::string& layer : possible_layers()) {
    if (file.root.find(activation_name(layer)) == nullptr) continue;
    WAKEBUILDER_TRY(const auto tensor, float_tensor(file, activation_name(layer)));
    activations.layers[layer] = model::to_array(tensor);
  }
  return activations;
}

Result<Activations> read_activations(const std::filesystem::path& path) {
  WAKEBUILDER_TRY(const auto file, checkpoint::read(path));
  auto activations = parse_activations(file);
  if (!activations) return fail_in(core::shown(path), std::move(activations).error());
  return activations;
}

}  // namespace

void Difference::include(double found, double reference) {
  const double diff = std::abs(found - reference);
  if (!std::isfinite(diff) || !std::isfinite(reference)) {
    // NaN compares false with everything, and infinity / infinity is NaN: neither may pass as
    // small.
    max_abs_diff = max_rel_diff = max_scaled_diff = std::numeric_limits<double>::infinity();
    return;
  }
  max_abs_diff = std::max(max_abs_diff, diff);
  max_rel_diff = std::max(max_rel_diff, diff / (std::abs(reference) + 1e-7));
  max_scaled_diff = std::max(max_scaled_diff, diff / std::max(1.0, std::abs(reference)));
}

Result<void> check_atol(double atol) {
  if (std::isfinite(atol) && atol >= 0) return {};
  return fail(ErrorCode::kInvalidArgument,
              "atol: expected a finite number from 0 on, found " + core::to_text(atol));
}

Tensor test_embeddings(std::int64_t embedding_dim) {
  const auto width = static_cast<std::size_t>(embedding_dim);
  std::vector<float> values(kTestRows * width);
  Normal normal;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double number = normal.next();
    constexpr std::array kScales = {1.0, 0.4, 1.7, 30.0, 1e-3, 0.0, 0.0};
    constexpr std::array kShifts = {0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.75};
    values[i] = static_cast<float>(kScales.at(i / width) * number + kShifts.at(i / width));
  }
  return Tensor::from(std::move(values), {static_cast<std::int64_t>(kTestRows), embedding_dim});
}

model::Array reference_logits(const model::Classifier& classifier) {
  const Tensor embeddings = test_embeddings(classifier.config.embedding_dim);
  model::Reference reference;
  return *model::forward(reference, classifier.head, classifier.config,
                         model::Reference::input(model::to_array(embeddings)));
}

Result<Validation> compare(runtime::Session& session, const model::Classifier& classifier,
                           double atol) {
  return compare(session, classifier, reference_logits(classifier), atol);
}

Result<Validation> compare(runtime::Session& session, const model::Classifier& classifier,
                           const model::Array& reference, double atol) {
  WAKEBUILDER_EXPECT(reference.data.size() == kTestRows * std::size_t{model::kClasses});
  WAKEBUILDER_CHECK(check_ports(session, classifier.config.embedding_dim));
  const Tensor embeddings = test_embeddings(classifier.config.embedding_dim);
  Validation validation;
  validation.atol = atol;
  validation.reference = "reference interpreter (float64)";
  for (const Batch& batch : kBatches) {
    WAKEBUILDER_TRY(const auto found,
                    run_logits(session, rows_of(embeddings, batch.first, batch.rows)));
    add_batch(validation,
              compare_batch(found.as<float>(),
                            std::span(reference.data).subspan(batch.first * 2, batch.rows * 2),
                            threshold_of(classifier)));
  }
  judge(validation);
  return validation;
}

Result<void> find_first_layer(const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                              const onnx::ModelProto& proto, const model::Classifier& classifier,
                              Validation& validation) {
  const Tensor embeddings = test_embeddings(classifier.config.embedding_dim);
  model::Reference reference;
  model::forward(reference, classifier.head, classifier.config,
                 model::Reference::input(model::to_array(embeddings)));
  std::vector<std::string> layers;
  Expected expected;
  for (const auto& [layer, value] : reference.outputs()) {
    layers.push_back(layer);
    expected[layer] = *value;
  }
  return compare_layers(runtime, proto, embeddings, layers, expected, validation);
}

Result<Validation> compare_with_activations(
    const std::shared_ptr<const runtime::OnnxRuntime>& runtime, runtime::Session& session,
    const onnx::ModelProto& proto, const std::filesystem::path& activations, double threshold,
    double atol) {
  WAKEBUILDER_TRY(const auto stored, read_activations(activations));
  WAKEBUILDER_CHECK(check_ports(session, stored.embeddings.shape()[1]));
  WAKEBUILDER_TRY(const auto found, run_logits(session, stored.embeddings));
  Validation validation;
  validation.atol = atol;
  validation.reference = core::quote(activations.filename().string());
  add_batch(validation, compare_batch(found.as<float>(), stored.logits.data, threshold));
  judge(validation);
  WAKEBUILDER_CHECK(compare_layers(runtime, proto, stored.embeddings, possible_layers(),
                                   stored.layers, validation));
  return validation;
}

std::string describe_miss(const Validation& validation) {
  double worst = 0;
  for (const BatchResult& batch : validation.batches)
    worst = std::max(worst, batch.difference.max_scaled_diff);
  return "logits differ from the " + validation.reference + " by " + core::to_text(worst) +
         " · max(1, |logit|), allowed " + core::to_text(validation.atol) +
         (validation.first_layer.empty()
              ? ""
              : "; the first layer that differs is " + validation.first_layer);
}

}  // namespace wakebuilder::pipeline
