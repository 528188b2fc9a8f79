// Every valid golden checkpoint gives PyTorch's logits: in the reference interpreter, and in ONNX
// Runtime at every opset.
#include "pipeline/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/onnx/write.h"
#include "wakebuilder/pipeline/export.h"
#include "wakebuilder/runtime/session.h"

namespace wakebuilder::pipeline {
namespace {

using test::data;
using test::GoldenCase;
using test::IsOk;
using test::stored;

class Golden : public ::testing::TestWithParam<GoldenCase> {};

TEST_P(Golden, ReferenceComputesWhatPyTorchComputesInDouble) {
  const auto loaded = load_network(GetParam().checkpoint);
  ASSERT_THAT(loaded, IsOk());
  model::Reference op;
  const auto logits = model::forward(
      op, std::get<model::Classifier>(loaded->network).head,
      std::get<model::Classifier>(loaded->network).config,
      model::Reference::input(model::to_array(stored(GetParam().expected, "embeddings"))));
  const auto wanted = model::to_array(stored(GetParam().expected, "logits_f64"));
  // Both in double from the same float32 weights; only the order of sums differs.
  EXPECT_LE(test::scaled_difference(logits->data, wanted.data), 1e-12);
}

TEST_P(Golden, EveryOpsetComputesTheSameFoldedAndFaithful) {
  const auto runtime = runtime::OnnxRuntime::load();
  if (!runtime) GTEST_SKIP() << runtime.error().message;
  const auto loaded = load_network(GetParam().checkpoint);
  ASSERT_THAT(loaded, IsOk());
  const std::pair<std::string, core::Tensor> input = {"embeddings",
                                                      stored(GetParam().expected, "embeddings")};
  const auto wanted = model::to_array(stored(GetParam().expected, "logits_f64"));
  const std::vector<std::string> outputs = {"logits"};
  for (std::int64_t opset = onnx::kOldestEmittedOpset; opset <= onnx::kNewestEmittedOpset;
       ++opset) {
    for (const bool fold : {true, false}) {
      const std::string bytes =
          onnx::serialize(*build_model(*loaded, {.opset = opset, .fold = fold}));
      auto session = runtime::Session::open(*runtime, std::as_bytes(std::span(bytes)));
      ASSERT_THAT(session, IsOk()) << "opset " << opset;
      const auto found = session->run({&input, 1}, outputs);
      ASSERT_THAT(found, IsOk()) << "opset " << opset;
      EXPECT_LE(test::scaled_difference((*found)[0].as<float>(), wanted.data), 1e-5)
          << "opset " << opset << (fold ? " folded" : " faithful");
    }
  }
}

std::string case_name(const ::testing::TestParamInfo<GoldenCase>& info) {
  std::string name = info.param.checkpoint.parent_path().filename().string() + "_" +
                     info.param.checkpoint.stem().string();
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, Golden, ::testing::ValuesIn(test::golden_cases()), case_name);

TEST(GoldenCases, AreAllThere) { EXPECT_GE(test::golden_cases().size(), 70U); }

}  // namespace
}  // namespace wakebuilder::pipeline
