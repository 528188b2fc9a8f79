#include "wakebuilder/onnx/emitter.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/model/fold.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/write.h"

#include "support/heads.h"
#include "support/matchers.h"

namespace wakebuilder::onnx {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

model::HeadConfig full_config() {
  return {.embedding_dim = 16,
          .hidden_dims = {8},
          .use_attention = true,
          .use_se_block = true,
          .use_tcn = true,
          .se_dim = 32};
}

ModelProto build(const model::HeadConfig& config, std::int64_t opset, bool fold) {
  const auto network = model::load_network(test::random_head(config), core::Dict{});
  EXPECT_THAT(network, test::IsOk());
  return onnx::build(fold ? model::fold(*network) : *network, {}, opset);
}

std::map<std::string, int> operators(const ModelProto& model) {
  std::map<std::string, int> counts;
  for (const NodeProto& node : model.graph->nodes) ++counts[node.op_type];
  return counts;
}

std::vector<std::string> keys(const std::map<std::string, int>& counts) {
  std::vector<std::string> names;
  for (const auto& entry : counts) names.push_back(entry.first);
  return names;
}

const NodeProto& node_named(const ModelProto& model, const std::string& name) {
  for (const NodeProto& node : model.graph->nodes) {
    if (node.name == name) return node;
  }
  throw std::logic_error("no node " + name);
}

TEST(Emitter, WritesLayerNormalizationInItsPartsBelowOpset17) {
  EXPECT_THAT(keys(operators(build(full_config(), 16, true))), Not(Contains("LayerNormalization")));
  EXPECT_EQ(operators(build(full_config(), 17, true))["LayerNormalization"], 5);
  EXPECT_THAT(keys(operators(build(full_config(), 17, true))), Not(Contains("ReduceMean")));
}

TEST(Emitter, WritesGeluAsOperatorFromOpset20On) {
  EXPECT_EQ(operators(build(full_config(), 19, true))["Erf"], 3);
  EXPECT_EQ(operators(build(full_config(), 20, true))["Gelu"], 3);
  EXPECT_THAT(keys(operators(build(full_config(), 20, true))), Not(Contains("Erf")));
}

TEST(Emitter, WritesGroupNormalizationAsOperatorFromOpset21On) {
  EXPECT_EQ(operators(build(full_config(), 20, false))["InstanceNormalization"], 2);
  EXPECT_EQ(operators(build(full_config(), 21, false))["GroupNormalization"], 2);
}

TEST(Emitter, SaysHowManyPartsASplitHasFromOpset18On) {
  const auto attributes = [](std::int64_t opset) {
    const ModelProto model = build(full_config(), opset, false);
    std::vector<std::string> names;
    for (const auto& attribute : node_named(model, "attention/qkv").attributes) {
      names.push_back(attribute.name);
    }
    return names;
  };
  EXPECT_THAT(attributes(17), ElementsAre("axis"));
  EXPECT_THAT(attributes(18), ElementsAre("axis", "num_outputs"));
}

TEST(Emitter, EveryFormAtEveryOpsetIsSoundForEveryCombinationOfBlocks) {
  for (std::int64_t opset = kOldestEmittedOpset; opset <= kNewestEmittedOpset; ++opset) {
    for (const auto& config : test::all_block_combinations(16, {8, 4})) {
      for (const bool fold : {true, false}) {
        const ModelProto model = build(config, opset, fold);
        EXPECT_THAT(check_model(model, "").findings, IsEmpty())
            << test::to_string(config) << " opset " << opset;
        EXPECT_EQ(model.opset(), opset);
        EXPECT_EQ(model.opset_imports.size(), 1U);
      }
    }
  }
}

TEST(Emitter, GivesNamesThatAPersonCanRead) {
  const ModelProto model = build(full_config(), 17, false);
  EXPECT_EQ(node_named(model, "tcn_block/conv_0").op_type, "Conv");
  EXPECT_EQ(node_named(model, "se_block/gate").op_type, "Sigmoid");
  EXPECT_EQ(node_named(model, "tcn_block/gelu_0/erf").op_type, "Erf");
  EXPECT_EQ(node_named(model, "classifier/hidden_0/linear").inputs[1], "classifier.0.weight");
}

TEST(Emitter, LeavesNoDeadNodeAndNoUnusedWeight) {
  for (const bool fold : {true, false}) {
    const ModelProto model = build(full_config(), 17, fold);
    std::set<std::string> read = {"logits"};
    for (const NodeProto& node : model.graph->nodes)
      read.insert(node.inputs.begin(), node.inputs.end());
    for (const NodeProto& node : model.graph->nodes) {
      for (const std::string& output : node.outputs) EXPECT_TRUE(read.contains(output)) << output;
    }
    for (const TensorProto& tensor : model.graph->initializers)
      EXPECT_TRUE(read.contains(tensor.name)) << tensor.name;
  }
}

TEST(Emitter, WritesEqualWeightsAndConstantsOnce) {
  const ModelProto model = build(full_config(), 16, false);
  const auto& tensors = model.graph->initializers;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const bool same = tensors[i].data_type == tensors[j].data_type &&
                        tensors[i].dims == tensors[j].dims &&
                        std::ranges::equal(tensors[i].raw_data->bytes, tensors[j].raw_data->bytes);
      EXPECT_FALSE(same) << tensors[i].name << " is " << tensors[j].name;
      EXPECT_NE(tensors[i].name, tensors[j].name);
    }
  }
}

TEST(Emitter, TheSameWeightsGiveTheSameBytes) {
  EXPECT_EQ(serialize(build(full_config(), 18, true)), serialize(build(full_config(), 18, true)));
}

TEST(Emitter, DeclaresADynamicBatchAndTheContractNames) {
  const ModelProto model = build(full_config(), 17, true);
  ASSERT_EQ(model.graph->inputs.size(), 1U);
  EXPECT_EQ(model.graph->inputs[0].name, "embeddings");
  EXPECT_EQ((*model.graph->inputs[0].type->shape)[0].param, "batch");
  EXPECT_EQ((*model.graph->inputs[0].type->shape)[1].value, 16);
  ASSERT_EQ(model.graph->outputs.size(), 1U);
  EXPECT_EQ(model.graph->outputs[0].name, "logits");
}

TEST(Emitter, RefusesOpsetsThatItHasNoFormsFor) {
  EXPECT_THROW(Emitter(12), std::logic_error);
  EXPECT_THROW(Emitter(22), std::logic_error);
}

TEST(LayerValues, NamesWhatEachLayerGives) {
  const ModelProto model = build(full_config(), 16, true);
  const std::vector<std::string> layers = {"input_norm", "se_block", "no_such_layer",
                                           "classifier/hidden_0", "classifier"};
  const auto values = layer_values(model, layers);
  ASSERT_EQ(values.size(), 4U);
  EXPECT_EQ(values[0],
            (std::pair<std::string, std::string>("input_norm", "input_norm/norm/shifted")));
  EXPECT_EQ(values[1].second, "se_block/excite");
  EXPECT_EQ(values[2].second, "classifier/hidden_0/gelu/halved");
  EXPECT_EQ(values[3].second, "logits");
}

TEST(Expose, AddsOutputsButNoneTwice) {
  const ModelProto model = build(full_config(), 17, true);
  const std::vector<std::pair<std::string, std::string>> values = {{"se_block", "se_block/excite"},
                                                                   {"classifier", "logits"}};
  const ModelProto exposed = expose(model, values);
  ASSERT_EQ(exposed.graph->outputs.size(), 2U);
  EXPECT_EQ(exposed.graph->outputs[1].name, "se_block/excite");
  // The shapes of inner values are not known here; runtimes do not ask for them.
  const auto findings = check_structure(exposed, "").findings;
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].message, "has no shape");
}

}  // namespace
}  // namespace wakebuilder::onnx
