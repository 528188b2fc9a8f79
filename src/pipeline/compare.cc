#include "wakebuilder/pipeline/compare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <span>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/probability.h"
#include "wakebuilder/core/text.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/write.h"

namespace wakebuilder::pipeline {
namespace {

using core::Tensor;
using NamedInput = std::pair<std::string, Tensor>;

/// `count` rows of a tensor, from `first` on.
Tensor rows_of(const Tensor& tensor, std::size_t first, std::size_t count) {
  core::Shape shape = tensor.shape();
  const std::size_t width = tensor.size() / static_cast<std::size_t>(shape[0]);
  const auto values = tensor.as<float>().subspan(first * width, count * width);
  shape[0] = static_cast<std::int64_t>(count);
  return Tensor::from(std::vector<float>(values.begin(), values.end()), shape);
}

/// First row and number of rows of each run: batches of 1, 2 and all rows.
struct Batch {
  std::size_t first;
  std::size_t rows;
};

std::vector<Batch> batches_of(std::size_t rows) {
  std::vector<Batch> batches = {{0, 1}};
  if (rows > 1) batches.push_back({rows > 2 ? 1U : 0U, 2});
  if (rows > 2) batches.push_back({0, rows});
  return batches;
}

/// The decision of the detector: softmax over two logits, class 1, against the threshold.
bool decides(double logit_0, double logit_1, double threshold) {
  return core::logistic(logit_1 - logit_0) >= threshold;
}

BatchResult compare_batch(std::size_t rows, std::span<const float> found,
                          std::span<const double> reference, double threshold) {
  BatchResult result{.batch = rows, .difference = {}, .decision_flips = 0};
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

std::string shape_text(const core::Shape& row) {
  std::string text = "[batch";
  for (const std::int64_t size : row) text += ", " + (size < 0 ? "any" : std::to_string(size));
  return text + "]";
}

core::Shape row_of(const Tensor& rows) { return {rows.shape().begin() + 1, rows.shape().end()}; }

bool is_state(const runtime::Port& port) { return port.name.starts_with("state/"); }

/// The model must take `input` [any, row...] and give `logits`.
Result<void> check_ports(const runtime::Session& session, const std::string& input,
                         const core::Shape& row) {
  const auto& inputs = session.inputs();
  const auto& outputs = session.outputs();
  const auto own = std::ranges::count_if(inputs, std::not_fn(is_state));
  const auto port = std::ranges::find_if(inputs, [&](const auto& p) { return p.name == input; });
  if (own != 1 || port == inputs.end() || port->shape.size() != row.size() + 1) {
    return fail(ErrorCode::kMismatch,
                "expected a model of one input, " + input + " " + shape_text(row) + ", found " +
                    std::to_string(own) +
                    (inputs.empty() ? ""
                                    : ": " + core::quote(inputs[0].name) + " " +
                                          core::to_string(inputs[0].shape)));
  }
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::int64_t size = port->shape[i + 1];
    if (size == -1 || row[i] == -1 || size == row[i]) continue;
    return fail(ErrorCode::kMismatch,
                input + ": expected " + (row.size() == 1 ? "width " : "") +
                    (row.size() == 1 ? std::to_string(row[i]) : shape_text(row)) + ", found " +
                    (row.size() == 1 ? std::to_string(size) : core::to_string(port->shape)) +
                    " in the model");
  }
  const bool has_logits =
      std::ranges::any_of(outputs, [](const auto& out) { return out.name == "logits"; });
  if (!has_logits)
    return fail(ErrorCode::kMismatch, "expected an output named logits, found none in the model");
  return {};
}

Result<Tensor> checked_logits(Tensor logits, std::int64_t rows) {
  const core::Shape expected = {rows, model::kClasses};
  if (logits.shape() == expected) return logits;
  return fail(ErrorCode::kMismatch, "logits: expected " + core::to_string(expected) + ", found " +
                                        core::to_string(logits.shape()));
}

Result<std::vector<Tensor>> run(runtime::Session& session, const std::string& input,
                                const Tensor& rows, const std::vector<std::string>& outputs) {
  const std::array<NamedInput, 1> inputs = {NamedInput{input, rows}};
  return session.run(inputs, outputs);
}

Result<Tensor> run_logits(runtime::Session& session, const std::string& input, const Tensor& rows) {
  WAKEBUILDER_TRY(auto outputs, run(session, input, rows, {"logits"}));
  return checked_logits(std::move(outputs[0]), rows.shape()[0]);
}

Tensor zeros(core::Shape shape, std::int64_t batch) {
  for (std::int64_t& size : shape) size = size < 0 ? batch : size;
  std::vector<float> values(core::numel(shape));
  return Tensor::from(std::move(values), shape);
}

/// Steps [begin, begin + count) of axis 1.
Tensor steps_of(const Tensor& tensor, std::size_t begin, std::size_t count) {
  core::Shape shape = tensor.shape();
  const auto steps = static_cast<std::size_t>(shape[1]);
  const std::size_t inner = tensor.size() / static_cast<std::size_t>(shape[0]) / steps;
  std::vector<float> values;
  for (std::size_t row = 0; row < static_cast<std::size_t>(shape[0]); ++row) {
    const auto part = tensor.as<float>().subspan((row * steps + begin) * inner, count * inner);
    values.insert(values.end(), part.begin(), part.end());
  }
  shape[1] = static_cast<std::int64_t>(count);
  return Tensor::from(std::move(values), shape);
}

/// Feeds the hops of `rows` one after the other and carries the states on. Returns the logits of
/// the last `scores` hops, [rows, scores, 2].
Result<std::vector<float>> run_stream(runtime::Session& session, const std::string& input,
                                      const Tensor& rows, std::size_t scores) {
  const std::int64_t batch = rows.shape()[0];
  const auto own =
      std::ranges::find_if(session.inputs(), [&](const auto& port) { return port.name == input; });
  const auto hop = static_cast<std::size_t>(own->shape[1]);
  const std::size_t hops = static_cast<std::size_t>(rows.shape()[1]) / hop;
  WAKEBUILDER_EXPECT(hops >= scores);
  std::vector<NamedInput> inputs = {{input, Tensor()}};
  std::vector<std::string> outputs = {"logits"};
  for (const auto& port : session.inputs()) {
    if (!is_state(port)) continue;
    inputs.emplace_back(port.name, zeros(port.shape, batch));
    outputs.push_back("next_" + port.name);
  }
  std::vector<float> logits(static_cast<std::size_t>(batch) * scores * 2);
  for (std::size_t k = 0; k < hops; ++k) {
    inputs[0].second = steps_of(rows, k * hop, hop);
    WAKEBUILDER_TRY(auto found, session.run(inputs, outputs));
    for (std::size_t i = 1; i < inputs.size(); ++i) inputs[i].second = std::move(found[i]);
    WAKEBUILDER_TRY(const auto checked, checked_logits(std::move(found[0]), batch));
    if (k + scores < hops) continue;
    for (std::size_t row = 0; row < static_cast<std::size_t>(batch); ++row) {
      const auto pair = checked.as<float>().subspan(row * 2, 2);
      std::ranges::copy(pair, logits.begin() + static_cast<std::ptrdiff_t>(
                                                   (row * scores + k + scores - hops) * 2));
    }
  }
  return logits;
}

/// The logits of some rows, whole windows or hop by hop.
Result<std::vector<float>> run_trial(runtime::Session& session, const Trial& trial,
                                     const Tensor& rows) {
  if (trial.logits.shape.size() == 3) {
    return run_stream(session, trial.input, rows, static_cast<std::size_t>(trial.logits.shape[1]));
  }
  WAKEBUILDER_TRY(const auto logits, run_logits(session, trial.input, rows));
  const auto values = logits.as<float>();
  return std::vector<float>(values.begin(), values.end());
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
                            const onnx::ModelProto& proto, const std::string& input,
                            const Tensor& rows, const std::vector<std::string>& layers,
                            const Expected& expected, Validation& validation) {
  const auto values = onnx::layer_values(proto, layers);
  if (values.empty()) return {};  // a model of another maker: its nodes have other names
  const std::string bytes = onnx::serialize(onnx::expose(proto, values));
  WAKEBUILDER_TRY(auto session, runtime::Session::open(runtime, std::as_bytes(std::span(bytes))));
  std::vector<std::string> outputs;
  outputs.reserve(values.size());
  for (const auto& entry : values) outputs.push_back(entry.second);
  WAKEBUILDER_TRY(const auto found, run(session, input, rows, outputs));
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

double threshold_of(const model::Network& network) {
  return model::settings_of(network).threshold.value_or(model::kDefaultThreshold);
}

Result<Validation> compare(runtime::Session& session, const Trial& trial, double threshold,
                           double atol) {
  const bool is_stream = trial.logits.shape.size() == 3;
  core::Shape row = row_of(trial.rows);
  if (is_stream) row[0] = -1;  // several hops, which the graph takes one by one
  WAKEBUILDER_CHECK(check_ports(session, trial.input, row));
  Validation validation;
  validation.atol = atol;
  validation.reference = "reference interpreter (float64)";
  const auto rows = static_cast<std::size_t>(trial.rows.shape()[0]);
  const std::size_t per_row = trial.logits.data.size() / rows;
  for (const Batch& batch : batches_of(rows)) {
    WAKEBUILDER_TRY(const auto found,
                    run_trial(session, trial, rows_of(trial.rows, batch.first, batch.rows)));
    const auto expected = std::span(trial.logits.data).subspan(batch.first * per_row, found.size());
    add_batch(validation, compare_batch(batch.rows, found, expected, threshold));
  }
  judge(validation);
  return validation;
}

Result<void> find_first_layer(const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                              const onnx::ModelProto& proto, const model::Network& network,
                              const model::GraphOptions& options, Validation& validation) {
  if (options.stream) return {};
  const Tensor rows = test_rows(network, options);
  model::Reference reference;
  model::forward(reference, network, options, model::Reference::input(model::to_array(rows)));
  std::vector<std::string> layers;
  Expected expected;
  for (const auto& [layer, value] : reference.outputs()) {
    layers.push_back(layer);
    expected[layer] = *value;
  }
  return compare_layers(runtime, proto, model::input_of(network, options).name, rows, layers,
                        expected, validation);
}

Result<Validation> compare_with_activations(
    const std::shared_ptr<const runtime::OnnxRuntime>& runtime, runtime::Session& session,
    const onnx::ModelProto& proto, const std::filesystem::path& activations, double threshold,
    double atol) {
  WAKEBUILDER_TRY(const auto stored, read_activations(activations));
  WAKEBUILDER_CHECK(check_ports(session, "embeddings", row_of(stored.embeddings)));
  WAKEBUILDER_TRY(const auto found, run_logits(session, "embeddings", stored.embeddings));
  Validation validation;
  validation.atol = atol;
  validation.reference = core::quote(activations.filename().string());
  add_batch(validation, compare_batch(static_cast<std::size_t>(found.shape()[0]), found.as<float>(),
                                      stored.logits.data, threshold));
  judge(validation);
  WAKEBUILDER_CHECK(compare_layers(runtime, proto, "embeddings", stored.embeddings,
                                   possible_layers(), stored.layers, validation));
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
