#include "wakebuilder/pipeline/compare.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/onnx/write.h"
#include "wakebuilder/pipeline/export.h"

#include "pipeline/golden.h"

namespace wakebuilder::pipeline {
namespace {

using test::data;
using test::HasError;
using test::IsOk;

TEST(Difference, KeepsTheWorstOfEachKind) {
  Difference difference;
  difference.include(1.5, 1.0);
  difference.include(100.0, 104.0);
  EXPECT_DOUBLE_EQ(difference.max_abs_diff, 4.0);
  EXPECT_NEAR(difference.max_rel_diff, 0.5, 1e-6);
  EXPECT_DOUBLE_EQ(difference.max_scaled_diff, 0.5);
}

TEST(Difference, NaNIsNeverSmall) {
  Difference difference;
  difference.include(std::numeric_limits<double>::quiet_NaN(), 0.0);
  EXPECT_TRUE(std::isinf(difference.max_abs_diff));
}

TEST(Difference, AReferenceThatIsNotFiniteIsNeverNear) {
  Difference difference;
  difference.include(1.0, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isinf(difference.max_scaled_diff));
  Difference other;
  other.include(1.0, std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(std::isinf(other.max_scaled_diff));
}

TEST(CheckAtol, TakesFiniteNumbersFromZeroOn) {
  EXPECT_THAT(check_atol(0), IsOk());
  EXPECT_THAT(check_atol(-1), HasError(ErrorCode::kInvalidArgument, "found -1"));
  EXPECT_THAT(check_atol(std::numeric_limits<double>::infinity()),
              HasError(ErrorCode::kInvalidArgument, "found inf"));
}

model::Network head_of_width_64() {
  model::Classifier classifier;
  classifier.config.embedding_dim = 64;
  return classifier;
}

TEST(TestEmbeddings, AreSevenRowsThatReachTheCorners) {
  const auto rows = test_rows(head_of_width_64(), {});
  EXPECT_EQ(rows.shape(), (core::Shape{7, 64}));
  const auto values = rows.as<float>();
  EXPECT_EQ(values[5 * 64], 0.0F);
  EXPECT_EQ(values[6 * 64 + 63], 0.75F);
  double sum = 0;
  double squares = 0;
  for (const float value : values.subspan(0, 64)) {
    sum += double{value};
    squares += double{value} * double{value};
  }
  EXPECT_NEAR(sum / 64, 0, 0.5);
  EXPECT_NEAR(squares / 64, 1, 0.5);
}

/// A session over a changed model, to see that a difference is found and placed.
class Compare : public ::testing::Test {
 protected:
  void SetUp() override {
    auto runtime = runtime::OnnxRuntime::load();
    if (!runtime) GTEST_SKIP() << runtime.error().message;
    runtime_ = *runtime;
    auto loaded = load_network(data("checkpoints/combos/attention-se-tcn.pt"));
    ASSERT_THAT(loaded, IsOk());
    loaded_ = *std::move(loaded);
    proto_ = built({});
  }

  runtime::Session session() {
    bytes_ = onnx::serialize(proto_);
    auto opened = runtime::Session::open(runtime_, std::as_bytes(std::span(bytes_)));
    EXPECT_THAT(opened, IsOk());
    return *std::move(opened);
  }

  onnx::ModelProto built(const ExportOptions& options) {
    auto proto = build_model(loaded_, options);
    EXPECT_THAT(proto, IsOk());
    return *std::move(proto);
  }

  static Result<Validation> compared(runtime::Session& session, const LoadedNetwork& loaded) {
    return compare(session, make_trial(loaded.network, {}), threshold_of(loaded.network), 1e-5);
  }

  /// Changes every third number of a weight a little (the same shift of all would vanish in a
  /// norm).
  void disturb(const std::string& name) {
    for (onnx::TensorProto& tensor : proto_.graph->initializers) {
      if (tensor.name != name) continue;
      std::vector<float> values(tensor.raw_data->bytes.size() / sizeof(float));
      std::memcpy(values.data(), tensor.raw_data->bytes.data(), tensor.raw_data->bytes.size());
      for (std::size_t i = 0; i < values.size(); i += 3) values[i] += 1e-2F;
      tensor.raw_data =
          onnx::to_proto(name, core::Tensor::from(std::move(values), tensor.dims)).raw_data;
      return;
    }
    FAIL() << "no weight " << name;
  }

  std::shared_ptr<const runtime::OnnxRuntime> runtime_;
  LoadedNetwork loaded_;
  onnx::ModelProto proto_;
  std::string bytes_;
};

TEST_F(Compare, PassesForTheModelItself) {
  auto opened = session();
  const auto validation = compared(opened, loaded_);
  ASSERT_THAT(validation, IsOk());
  EXPECT_TRUE(validation->passed);
  EXPECT_EQ(validation->decision_flips, 0U);
}

TEST_F(Compare, FindsTheFirstLayerOfAChangedWeight) {
  for (const auto& [weight, layer] : {std::pair{"se_block.fc.0.weight", "se_block"},
                                      std::pair{"tcn_block.conv.1.bias", "tcn_block"},
                                      std::pair{"classifier.4.weight", "classifier/hidden_1"},
                                      std::pair{"classifier.8.weight", "classifier"}}) {
    proto_ = built({});
    disturb(weight);
    auto opened = session();
    auto validation = compared(opened, loaded_);
    ASSERT_THAT(validation, IsOk());
    EXPECT_FALSE(validation->passed) << weight;
    ASSERT_THAT(find_first_layer(runtime_, proto_, loaded_.network, {}, *validation), IsOk());
    EXPECT_EQ(validation->first_layer, layer);
    EXPECT_THAT(describe_miss(*validation),
                ::testing::HasSubstr(std::string("the first layer that differs is ") + layer));
  }
}

TEST_F(Compare, CountsDecisionsThatFlip) {
  // A threshold between two scores that differ by the disturbance.
  disturb("classifier.8.bias");
  for (onnx::TensorProto& tensor : proto_.graph->initializers) {
    if (tensor.name == "classifier.8.bias") {
      tensor.raw_data = onnx::to_proto("b", core::Tensor::from<float>({-100, 100}, {2})).raw_data;
    }
  }
  std::get<model::Classifier>(loaded_.network).threshold = 0.999;
  auto opened = session();
  const auto validation = compared(opened, loaded_);
  ASSERT_THAT(validation, IsOk());
  EXPECT_EQ(validation->decision_flips,
            10U);  // 1 + 2 + 7 rows, none of which fires in the checkpoint
}

TEST_F(Compare, AgreesWithActivationsThatPyTorchStored) {
  for (const auto& golden : test::golden_cases()) {
    if (golden.checkpoint.parent_path().filename() != "combos") continue;
    auto loaded = load_network(golden.checkpoint);
    ASSERT_THAT(loaded, IsOk());
    proto_ = *build_model(*loaded, {.opset = 16, .fold = false});
    auto opened = session();
    const auto validation =
        compare_with_activations(runtime_, opened, proto_, golden.expected, 0.5, 1e-5);
    ASSERT_THAT(validation, IsOk()) << golden.checkpoint;
    EXPECT_TRUE(validation->passed) << golden.checkpoint;
    EXPECT_EQ(validation->first_layer, "") << golden.checkpoint;
    const auto& config = std::get<model::Classifier>(loaded->network).config;
    const int blocks = int{config.use_attention} + int{config.use_se_block} + int{config.use_tcn};
    EXPECT_EQ(validation->layers.size(), 3U + static_cast<unsigned>(blocks)) << golden.checkpoint;
  }
}

TEST_F(Compare, RefusesActivationsOfAnotherWidthOrKind) {
  auto opened = session();
  EXPECT_THAT(
      compare_with_activations(runtime_, opened, proto_,
                               data("hostile/accept.expected.safetensors"), 0.5, 1e-5),
      HasError(ErrorCode::kMismatch, "embeddings: expected width 8, found 64 in the model"));
  EXPECT_THAT(compare_with_activations(runtime_, opened, proto_,
                                       data("checkpoints/layouts/bare.pt"), 0.5, 1e-5),
              HasError(ErrorCode::kMismatch, "expected a tensor embeddings, found none"));
}

TEST_F(Compare, RefusesAModelOfAnotherWidth) {
  auto opened = session();
  const auto other = load_network(data("hostile/accept-control.pt"));
  ASSERT_THAT(other, IsOk());
  EXPECT_THAT(
      compared(opened, *other),
      HasError(ErrorCode::kMismatch, "embeddings: expected width 8, found 64 in the model"));
}

}  // namespace
}  // namespace wakebuilder::pipeline
