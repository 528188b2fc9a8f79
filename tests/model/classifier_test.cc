#include "wakebuilder/model/classifier.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/heads.h"
#include "support/matchers.h"

namespace wakebuilder::model {
namespace {

using core::Dict;
using core::List;
using core::Tensor;
using core::Value;
using test::HasError;
using test::IsOk;

HeadConfig small_config() {
  return {.embedding_dim = 8,
          .hidden_dims = {6, 4},
          .use_attention = true,
          .use_se_block = true,
          .use_tcn = true,
          .se_dim = 32};
}

NamedTensors small_head() { return test::random_head(small_config()); }

Tensor& named(NamedTensors& tensors, const std::string& name) {
  for (auto& [key, tensor] : tensors) {
    if (key == name) return tensor;
  }
  throw std::logic_error("no tensor " + name);
}

void remove(NamedTensors& tensors, const std::string& name) {
  std::erase_if(tensors, [&](const auto& entry) { return entry.first == name; });
}

Tensor zeros(const core::Shape& shape) {
  return Tensor::from(std::vector<float>(core::numel(shape)), shape);
}

TEST(LoadClassifier, InfersEveryCombinationOfBlocksFromTheTensors) {
  for (const HeadConfig& config : test::all_block_combinations(12, {5})) {
    const auto classifier = load_classifier(test::random_head(config), Dict{});
    ASSERT_THAT(classifier, IsOk()) << test::to_string(config);
    EXPECT_EQ(classifier->config, config) << test::to_string(config);
  }
}

TEST(LoadClassifier, InfersAnyNumberOfHiddenLayers) {
  for (const std::vector<std::int64_t>& hidden :
       {std::vector<std::int64_t>{}, {3}, {9, 8, 7, 6, 5}}) {
    const auto classifier =
        load_classifier(test::random_head({.embedding_dim = 10, .hidden_dims = hidden}), Dict{});
    ASSERT_THAT(classifier, IsOk());
    EXPECT_EQ(classifier->config.hidden_dims, hidden);
  }
}

TEST(LoadClassifier, ReadsTheSettingsBesideTheWeights) {
  const auto classifier = load_classifier(small_head(), Dict{{"wake_word", "hey jarvis"},
                                                             {"threshold", 0.75},
                                                             {"sample_rate", 8000},
                                                             {"use_tcn", true}});
  ASSERT_THAT(classifier, IsOk());
  EXPECT_EQ(classifier->wake_word, "hey jarvis");
  EXPECT_EQ(classifier->threshold, 0.75);
  EXPECT_EQ(classifier->sample_rate_hz, 8000);
}

TEST(LoadClassifier, FindsTheHeadInAWholeModel) {
  NamedTensors whole = {{"base_model.layernorm.weight", zeros({8})}};
  for (const auto& [name, tensor] : small_head()) whole.emplace_back("classifier." + name, tensor);
  const auto classifier = load_classifier(whole, Dict{});
  ASSERT_THAT(classifier, IsOk());
  EXPECT_TRUE(classifier->has_backbone);
  EXPECT_EQ(classifier->config, small_config());
}

TEST(LoadClassifier, NamesATensorThatIsMissing) {
  NamedTensors tensors = small_head();
  remove(tensors, "classifier.4.bias");
  EXPECT_THAT(
      load_classifier(tensors, Dict{}),
      HasError(ErrorCode::kMismatch, "classifier.4.bias: expected [4], found no such tensor"));
}

TEST(LoadClassifier, NamesATensorThatIsTooMany) {
  NamedTensors tensors = small_head();
  tensors.emplace_back("classifier.12.weight", zeros({2, 2}));
  EXPECT_THAT(load_classifier(tensors, Dict{}),
              HasError(ErrorCode::kMismatch, "found also classifier.12.weight"));
}

TEST(LoadClassifier, NamesExpectedAndFoundShape) {
  NamedTensors tensors = small_head();
  named(tensors, "classifier.4.weight") = zeros({4, 7});
  EXPECT_THAT(load_classifier(tensors, Dict{}),
              HasError(ErrorCode::kMismatch, "classifier.4.weight: expected [4, 6], found [4, 7]"));
}

TEST(LoadClassifier, RefusesThreeClasses) {
  NamedTensors tensors = small_head();
  named(tensors, "classifier.8.weight") = zeros({3, 4});
  named(tensors, "classifier.8.bias") = zeros({3});
  EXPECT_THAT(load_classifier(tensors, Dict{}),
              HasError(ErrorCode::kMismatch, "classifier.8.weight: expected [2, 4], found [3, 4]"));
}

TEST(LoadClassifier, RefusesNumbersThatAreNotFinite) {
  for (const auto& [value, word] :
       {std::pair{std::numeric_limits<float>::quiet_NaN(), "NaN"},
        std::pair{-std::numeric_limits<float>::infinity(), "infinity"}}) {
    NamedTensors tensors = small_head();
    std::vector<float> values(6 * 8, 0.5F);
    values[17] = value;
    named(tensors, "classifier.0.weight") = Tensor::from(values, {6, 8});
    EXPECT_THAT(load_classifier(tensors, Dict{}),
                HasError(ErrorCode::kCorrupt,
                         std::string("classifier.0.weight: expected finite numbers, found ") +
                             word + " at element 17"));
  }
}

TEST(LoadClassifier, RefusesElementTypesThatHoldNoWeights) {
  NamedTensors tensors = small_head();
  named(tensors, "classifier.0.bias") = Tensor::from(std::vector<std::int32_t>(6), {6});
  EXPECT_THAT(
      load_classifier(tensors, Dict{}),
      HasError(ErrorCode::kUnsupported,
               "classifier.0.bias: expected float32, float64, float16 or bfloat16, found int32"));
}

TEST(LoadClassifier, RefusesFloat64BeyondFloat32) {
  NamedTensors tensors = small_head();
  named(tensors, "classifier.0.bias") =
      Tensor::from(std::vector<double>{0, 0, 1e300, 0, 0, 0}, {6});
  EXPECT_THAT(load_classifier(tensors, Dict{}),
              HasError(ErrorCode::kCorrupt,
                       "classifier.0.bias: element 2 is 1e+300, which does not fit float32"));
}

TEST(LoadClassifier, AFlagThatContradictsTheTensorsIsAnErrorThatNamesBoth) {
  EXPECT_THAT(
      load_classifier(small_head(), Dict{{"use_tcn", false}}),
      HasError(ErrorCode::kMismatch, "use_tcn is False, but tensors tcn_block.* are present"));
  EXPECT_THAT(
      load_classifier(test::random_head({.embedding_dim = 8, .hidden_dims = {4}}),
                      Dict{{"use_attention", true}}),
      HasError(ErrorCode::kMismatch, "use_attention is True, but tensors attention.* are missing"));
  EXPECT_THAT(load_classifier(small_head(), Dict{{"use_tcn", "yes"}}),
              HasError(ErrorCode::kMismatch, "use_tcn: expected True or False, found str"));
}

TEST(LoadClassifier, DimensionsThatContradictTheTensorsAreAnError) {
  EXPECT_THAT(load_classifier(small_head(), Dict{{"embedding_dim", 768}}),
              HasError(ErrorCode::kMismatch, "embedding_dim says 768, but the tensors say 8"));
  EXPECT_THAT(load_classifier(small_head(), Dict{{"classifier_hidden_dims", List{6, 5}}}),
              HasError(ErrorCode::kMismatch,
                       "classifier_hidden_dims says [6, 5], but the tensors say [6, 4]"));
  EXPECT_THAT(
      load_classifier(small_head(), Dict{{"classifier_hidden_dims", core::Tuple{List{6, 4}}}}),
      IsOk());
}

TEST(LoadClassifier, RefusesOtherArchitecturesByName) {
  EXPECT_THAT(load_classifier(small_head(), Dict{{"model_type", "tc_resnet"}}),
              HasError(ErrorCode::kUnsupported, "found \"tc_resnet\", another architecture"));
  EXPECT_THAT(load_classifier({}, Dict{}),
              HasError(ErrorCode::kMismatch, "input_norm.weight: expected this tensor"));
}

TEST(LoadClassifier, RefusesSettingsOutOfRange) {
  EXPECT_THAT(
      load_classifier(small_head(), Dict{{"threshold", 1.5}}),
      HasError(ErrorCode::kMismatch, "threshold: expected a number from 0 to 1, found 1.5"));
  EXPECT_THAT(load_classifier(small_head(), Dict{{"threshold", "high"}}),
              HasError(ErrorCode::kMismatch, "threshold"));
  EXPECT_THAT(load_classifier(small_head(), Dict{{"sample_rate", -1}}),
              HasError(ErrorCode::kMismatch, "sample_rate: expected a positive integer, found -1"));
}

TEST(LoadClassifier, RefusesAWidthThatFourHeadsDoNotDivide) {
  EXPECT_THAT(load_classifier(test::random_head(
                                  {.embedding_dim = 10, .hidden_dims = {4}, .use_attention = true}),
                              Dict{}),
              HasError(ErrorCode::kMismatch, "4 heads divide, found 10"));
}

}  // namespace
}  // namespace wakebuilder::model
