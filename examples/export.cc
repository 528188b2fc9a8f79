// From a checkpoint to a running ONNX model, in C++: what "programmatic export" is in Python.
//
// usage: example_export CHECKPOINT.pt OUTPUT.onnx

#include "wakebuilder/pipeline/export.h"

#include <cmath>
#include <iostream>

#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/print.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/pipeline/validate.h"
#include "wakebuilder/runtime/session.h"

namespace {

using wakebuilder::Result;
namespace core = wakebuilder::core;
namespace model = wakebuilder::model;
namespace onnx = wakebuilder::onnx;
namespace pipeline = wakebuilder::pipeline;
namespace runtime = wakebuilder::runtime;

/// Load a classifier; look at its config and weights.
Result<void> look(const std::string& checkpoint) {
  WAKEBUILDER_TRY(auto loaded, pipeline::load_network(checkpoint));
  auto& classifier = std::get<model::Classifier>(loaded.network);
  std::cout << "wake word  " << *classifier.wake_word << "\n"
            << "threshold  " << classifier.threshold.value_or(model::kDefaultThreshold) << "\n"
            << "weights    " << classifier.parameters() << "\n";
  model::visit(
      classifier.head, classifier.config,
      [](const std::string& name, const model::Parameter& weight, const core::Shape& shape) {
        std::cout << "  " << name << " " << core::to_string(shape) << ", first "
                  << weight.tensor.as<float>()[0] << "\n";
      });
  return {};
}

/// Check the file as another program would get it, and print its graph.
Result<void> check(const std::string& file) {
  WAKEBUILDER_TRY(const auto proto, onnx::read_model(file));
  const auto report = onnx::check_model(proto, std::filesystem::path(file).parent_path());
  for (const auto& finding : report.findings) {
    std::cout << core::to_string(finding.severity) << ": " << finding.where << ": "
              << finding.message << "\n";
  }
  std::cout << onnx::printable_graph(*proto.graph);
  return {};
}

/// Compare with the checkpoint: the reference in double precision against ONNX Runtime.
Result<void> compare(const std::string& checkpoint, const std::string& file) {
  WAKEBUILDER_TRY(const auto report, pipeline::validate(file, {.checkpoint = checkpoint}));
  std::cout << "valid " << std::boolalpha << report.valid << ", max_abs_diff "
            << report.validations.at(0).max_abs_diff << "\n";
  return {};
}

/// Run it: the probability of the wake word is the softmax of the logits at class 1.
Result<void> run(const std::string& file, std::int64_t width) {
  WAKEBUILDER_TRY(const auto library, runtime::OnnxRuntime::load());
  WAKEBUILDER_TRY(auto session, runtime::Session::open(library, std::filesystem::path(file)));
  const std::pair<std::string, core::Tensor> input = {
      "embeddings",
      core::Tensor::from(std::vector<float>(static_cast<std::size_t>(width), 0.1F), {1, width})};
  const std::string output = "logits";
  WAKEBUILDER_TRY(const auto outputs, session.run({&input, 1}, {&output, 1}));
  const auto logits = outputs[0].as<float>();
  std::cout << "probability " << 1.0 / (1.0 + std::exp(static_cast<double>(logits[0] - logits[1])))
            << "\n";
  return {};
}

Result<void> example(const std::string& checkpoint, const std::string& output) {
  WAKEBUILDER_CHECK(look(checkpoint));
  WAKEBUILDER_TRY(const auto report, pipeline::export_onnx(checkpoint, output, {.opset = 17}));
  std::cout << report.output.string() << ", " << report.bytes << " bytes, sha256 " << report.sha256
            << "\n";
  WAKEBUILDER_CHECK(check(output));
  WAKEBUILDER_CHECK(compare(checkpoint, output));
  WAKEBUILDER_TRY(const auto loaded, pipeline::load_network(checkpoint));
  return run(output, std::get<model::Classifier>(loaded.network).config.embedding_dim);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: example_export CHECKPOINT.pt OUTPUT.onnx\n";
    return 2;
  }
  const auto done = example(argv[1], argv[2]);
  if (done) return 0;
  std::cerr << "example_export: " << done.error().message << "\n";
  return 1;
}
