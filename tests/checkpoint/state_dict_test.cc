#include "wakebuilder/checkpoint/state_dict.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/forge.h"
#include "support/matchers.h"
#include "support/values.h"

namespace wakebuilder::test {
namespace {

using checkpoint::Checkpoint;
using checkpoint::find_state_dict;
using core::Dict;
using core::List;
using core::Tensor;
using core::Value;
using ::testing::ElementsAre;

const Tensor kTensor = Tensor::from<float>({1}, {1});

Checkpoint holding(Value root) {
  Checkpoint checkpoint;
  checkpoint.root = std::move(root);
  return checkpoint;
}

std::vector<std::string> names(const Result<checkpoint::StateDict>& state) {
  std::vector<std::string> result;
  if (state) {
    for (const auto& item : state->tensors) result.push_back(item.first);
  }
  return result;
}

TEST(StateDict, IsFoundUnderTheKnownKeys) {
  for (const char* key : {"classifier_state_dict", "model_state_dict", "state_dict", "model"}) {
    const auto state = find_state_dict(holding(Dict{{"epoch", 3}, {key, Dict{{"w", kTensor}}}}));
    ASSERT_THAT(state, IsOk());
    EXPECT_EQ(state->key, key);
    EXPECT_THAT(names(state), ElementsAre("w"));
    EXPECT_THAT(state->metadata, IsValue(Dict{{"epoch", 3}}));
  }
}

TEST(StateDict, MayBeTheRoot) {
  const auto state = find_state_dict(holding(Dict{{"b", kTensor}, {"a", kTensor}}));
  EXPECT_THAT(names(state), ElementsAre("b", "a"));
  EXPECT_EQ(state->key, "");
  EXPECT_THAT(state->metadata, IsValue(Dict{}));
}

TEST(StateDict, SkipsAKeyWhoseValueIsNoDict) {
  const auto state =
      find_state_dict(holding(Dict{{"model", "tiny"}, {"state_dict", Dict{{"w", kTensor}}}}));
  EXPECT_EQ(state->key, "state_dict");
  EXPECT_THAT(state->metadata, IsValue(Dict{{"model", "tiny"}}));
}

TEST(StateDict, LosesPrefixesThatAllNamesHave) {
  const auto stripped = [](Dict dict) { return names(find_state_dict(holding(std::move(dict)))); };
  EXPECT_THAT(stripped({{"module._orig_mod.a", kTensor}, {"module._orig_mod.b", kTensor}}),
              ElementsAre("a", "b"));
  EXPECT_THAT(stripped({{"_orig_mod.module.module.a", kTensor}}), ElementsAre("a"));
  EXPECT_THAT(stripped({{"module.a", kTensor}, {"b", kTensor}}), ElementsAre("module.a", "b"));
  EXPECT_THAT(stripped({{"module.", kTensor}}), ElementsAre("module."));
}

TEST(StateDict, GivesTheDocumentedConfigTheNamesOfTheSource) {
  const auto state = find_state_dict(holding(Dict{
      {"state_dict", Dict{{"w", kTensor}}},
      {"use_tcn", false},
      {"config",
       Dict{
           {"hidden_dims", List{4}}, {"dropout", 0.3}, {"use_tcn", true}, {"embedding_dim", 8}}}}));
  ASSERT_THAT(state, IsOk());
  EXPECT_THAT(*state->metadata.find("classifier_hidden_dims"), IsValue(List{4}));
  EXPECT_THAT(*state->metadata.find("classifier_dropout"), IsValue(0.3));
  EXPECT_THAT(*state->metadata.find("embedding_dim"), IsValue(8));
  EXPECT_THAT(*state->metadata.find("use_tcn"), IsValue(false))
      << "what stands outside of config wins";
}

TEST(StateDict, LeavesStatesOfTheTrainingOut) {
  const auto state =
      find_state_dict(holding(Dict{{"model", Dict{{"w", kTensor}}},
                                   {"optimizer_state_dict", Dict{{"state", kTensor}}},
                                   {"lr_scheduler", Dict{}},
                                   {"grad_scaler", Dict{}},
                                   {"optimizer", "adamw"}}));
  ASSERT_THAT(state, IsOk());
  EXPECT_THAT(state->metadata, IsValue(Dict{{"optimizer", "adamw"}}));
}

struct ErrorCase {
  Value root;
  ErrorCode code;
  std::string words;
};

TEST(StateDict, SaysWhatTheFileHoldsInstead) {
  const ErrorCase cases[] = {
      {Value(), ErrorCode::kUnsupported, "found a NoneType"},
      {List{1}, ErrorCode::kUnsupported, "found a list"},
      {Dict{}, ErrorCode::kUnsupported, "found an empty dict"},
      {Dict{{"net", Dict{{"w", kTensor}}}, {1, 2}}, ErrorCode::kUnsupported,
       "a dict with the keys net, (int)"},
      {Dict{{"w", kTensor}, {"epoch", 3}}, ErrorCode::kUnsupported, "no state dict"},
      {Dict{{"state_dict", Dict{}}}, ErrorCode::kUnsupported, "no state dict: state_dict is empty"},
      {Dict{{"model", Dict{{"w", List{}}}}}, ErrorCode::kUnsupported,
       "w: expected a dense tensor, found a list"},
      {Dict{{"w", core::Opaque{"sparse tensor"}}}, ErrorCode::kUnsupported,
       "w: expected a dense tensor, found a sparse"},
      {Dict{{"model", Dict{{7, kTensor}}}}, ErrorCode::kUnsupported,
       "a key among the weights is of type int"},
      {Dict{{"w\n", kTensor}}, ErrorCode::kCorrupt,
       "the name \"w\\n\" is empty or holds a control character"},
      {Dict{{"", kTensor}}, ErrorCode::kCorrupt, "is empty or holds"},
      {Dict{{"w", kTensor}, {"w", kTensor}}, ErrorCode::kCorrupt, "w is given twice"},
  };
  for (const ErrorCase& c : cases)
    EXPECT_THAT(find_state_dict(holding(c.root)), HasError(c.code, c.words)) << c.words;
}

TEST(StateDict, KeepsTheNamesOfWholeModels) {
  const auto file = checkpoint::read(data_path("checkpoints/layouts/whole-model-data-parallel.pt"));
  ASSERT_THAT(file, IsOk());
  const auto state = find_state_dict(*file);
  EXPECT_THAT(names(state),
              ::testing::Each(::testing::AnyOf(::testing::StartsWith("base_model."),
                                               ::testing::StartsWith("classifier."))));
}

}  // namespace
}  // namespace wakebuilder::test
