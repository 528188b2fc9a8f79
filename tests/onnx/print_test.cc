#include "wakebuilder/onnx/print.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/models.h"
#include "support/matchers.h"

namespace wakebuilder::onnx {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string printed(const std::string& file) {
  return printable_graph(*read_model(test::onnx_data(file))->graph);
}

TEST(PrintableGraph, ShowsInputsWeightsNodesAndOutputs) {
  EXPECT_EQ(printed("minimal_gemm.onnx"),
            "graph minimal (\n"
            "  %X[FLOAT, batchx4]\n"
            ") initializers (\n"
            "  %W[FLOAT, 4x2]\n"
            "  %B[FLOAT, 2]\n"
            ") {\n"
            "  %H = Gemm(%X, %W, %B)\n"
            "  %Y = Relu(%H)\n"
            "  return %Y\n"
            "}\n");
}

TEST(PrintableGraph, ShowsSubgraphsAfterTheirGraph) {
  EXPECT_THAT(
      printed("if_branches.onnx"),
      HasSubstr("  %Y = If[else_branch = <graph no>, then_branch = <graph yes>](%condition)\n"
                "  return %Y\n"
                "}\n"
                "\n"
                "graph no {\n"
                "  %no_out = Tanh(%H)\n"
                "  return %no_out\n"
                "}\n"));
}

TEST(PrintableGraph, EscapesNames) {
  const std::string text = printed("odd_names.onnx");
  EXPECT_THAT(text, HasSubstr("  %Y = Relu(%a\\n\\x1b[31m\\\"<script>alert(1)</script>)\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(PrintableGraph, ShowsOtherMakersGraphs) {
  const std::string text = printed("torchscript_opset17.onnx");
  EXPECT_THAT(
      text,
      HasSubstr("LayerNormalization[axis = -1, epsilon = 1e-05](%embeddings, %input_norm.weight, "
                "%input_norm.bias)\n"));
  EXPECT_THAT(text, HasSubstr("Constant[value = <Tensor INT64[1] 9223372036854775807>]()"));
  EXPECT_THAT(printed("local_function.onnx"), HasSubstr("%Y = golden.Dense(%X, %W, %B)"));
}

AttributeProto attribute(std::int32_t type) {
  AttributeProto made;
  made.name = "a";
  made.type = type;
  return made;
}

std::string with(const AttributeProto& attribute) {
  GraphProto graph;
  graph.name = "g";
  graph.nodes = {test::node("Op", {}, {"o"})};
  graph.nodes[0].attributes = {attribute};
  const std::string text = printable_graph(graph);
  const auto start = text.find("Op[a = ") + 7;
  return text.substr(start, text.find("]()\n") - start);
}

TEST(PrintableGraph, ShowsEveryKindOfAttribute) {
  AttributeProto number = attribute(1);
  number.f = 0.1F;
  EXPECT_EQ(with(number), "0.1");
  EXPECT_EQ(with(test::int_attribute("a", -3)), "-3");
  AttributeProto text = attribute(3);
  text.s = "x\n";
  EXPECT_EQ(with(text), "\"x\\n\"");
  text.s = std::string(70, 'y');
  EXPECT_EQ(with(text), "\"" + std::string(64, 'y') + "\"...<+6>");
  AttributeProto numbers = attribute(7);
  numbers.ints = {1, -1};
  EXPECT_EQ(with(numbers), "[1, -1]");
  numbers.ints.assign(100, 7);
  EXPECT_THAT(with(numbers), HasSubstr("7, ... 100 in all]"));
  AttributeProto floats = attribute(6);
  floats.floats = {0.5F, 2};
  EXPECT_EQ(with(floats), "[0.5, 2]");
  AttributeProto texts = attribute(8);
  texts.strings = {"a", "b"};
  EXPECT_EQ(with(texts), "[\"a\", \"b\"]");
  EXPECT_EQ(with(attribute(0)), "<Unknown>");
  AttributeProto reference = attribute(2);
  reference.ref_attr_name = "alpha";
  EXPECT_EQ(with(reference), "@alpha");
}

TEST(PrintableGraph, ShowsValuesOfSmallTensorsOnly) {
  AttributeProto value = attribute(4);
  value.tensors = {test::float_tensor("", {2}, {1.5F, -2})};
  EXPECT_EQ(with(value), "<Tensor FLOAT[2] 1.5, -2>");
  value.tensors = {test::float_tensor("", {9}, std::vector<float>(9, 1))};
  EXPECT_EQ(with(value), "<Tensor FLOAT[9]>");
  value.tensors[0].dims = {2};  // not what the data says
  EXPECT_EQ(with(value), "<Tensor FLOAT[2]>");
  value.tensors[0].data_type = kFloat16;
  value.tensors[0].dims = {1};
  value.tensors[0].raw_data = test::blob(std::vector<std::uint16_t>{0x3e00});
  EXPECT_EQ(with(value), "<Tensor FLOAT16[1] 1.5>");
}

TEST(CountOperators, CountsSubgraphsTooMostFrequentFirst) {
  const auto model = read_model(test::onnx_data("torchscript_opset17.onnx"));
  const auto counts = count_operators(*model->graph);
  ASSERT_FALSE(counts.empty());
  EXPECT_EQ(counts[0], (std::pair<std::string, std::size_t>("Constant", 61)));
  using Counts = std::vector<std::pair<std::string, std::size_t>>;
  EXPECT_EQ(count_operators(*read_model(test::onnx_data("if_branches.onnx"))->graph),
            (Counts{{"Gemm", 1}, {"If", 1}, {"Relu", 1}, {"Tanh", 1}}));
  EXPECT_EQ(count_operators(*read_model(test::onnx_data("unknown_domain.onnx"))->graph),
            (Counts{{"com.example.Wakeify", 1}}));
}

}  // namespace
}  // namespace wakebuilder::onnx
