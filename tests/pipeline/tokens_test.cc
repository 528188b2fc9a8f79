// Backbone and head as graphs of their own: together they are the whole network.

#include <span>

#include <gtest/gtest.h>

#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/pipeline/load.h"
#include "wakebuilder/runtime/session.h"

#include "pipeline/golden.h"
#include "support/matchers.h"
#include "support/values.h"

namespace wakebuilder::test {
namespace {

using Named = std::pair<std::string, core::Tensor>;

core::Tensor run(const onnx::ModelProto& model, const std::vector<Named>& inputs,
                 const std::string& output) {
  const std::string bytes = onnx::serialize(model);
  auto session = runtime::Session::open(runtime::OnnxRuntime::load({}).value(),
                                        std::as_bytes(std::span(bytes)));
  EXPECT_THAT(session, IsOk());
  auto found = session->run(inputs, {&output, 1});
  EXPECT_THAT(found, IsOk());
  return found.value()[0];
}

TEST(Tokens, OfTheBackboneGivenToTheHeadAreTheWholeNetwork) {
  const auto loaded = pipeline::load_network(data("compact/computer.pt"));
  ASSERT_THAT(loaded, IsOk());
  const auto& network = std::get<model::CompactClassifier>(loaded->network);
  std::vector<float> values(3 * 160 * 128);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(std::sin(0.37 * static_cast<double>(i))) - 0.5F;
  const auto features = core::Tensor::from(std::move(values), {3, 160, 128});

  const auto whole =
      run(onnx::build(network, {.frames = 160}, 17), {{"input_values", features}}, "logits");
  const auto tokens =
      run(onnx::build_tokens(network, 160, 17), {{"input_values", features}}, "tokens");
  ASSERT_EQ(tokens.shape(), (core::Shape{3, 96, 11}));
  const auto mask = core::Tensor::from(std::vector<float>(33, 1.0F), {3, 1, 11});
  const auto logits =
      run(onnx::build_head(network, 17), {{"tokens", tokens}, {"mask", mask}}, "logits");
  EXPECT_THAT(logits, TensorNear(whole, 1e-5));
}

}  // namespace
}  // namespace wakebuilder::test
