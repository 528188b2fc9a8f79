#include "wakebuilder/onnx/svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/text.h"

#include "onnx/models.h"
#include "support/matchers.h"

namespace wakebuilder::onnx {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string drawn(const std::string& file) {
  return to_svg(*read_model(test::onnx_data(file))->graph);
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Svg, DrawsBoxesWeightsAndShapes) {
  const std::string svg = drawn("minimal_gemm.onnx");
  EXPECT_THAT(svg, HasSubstr("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_THAT(svg, HasSubstr(">Gemm</text>"));
  EXPECT_THAT(svg, HasSubstr(">dense</text>"));
  EXPECT_THAT(svg, HasSubstr(">W ⟨4×2⟩</text>"));
  EXPECT_THAT(svg, HasSubstr("class=\"label\" text-anchor=\"middle\">batch×4</text>"));
  EXPECT_THAT(svg, HasSubstr(">2 nodes, 2 weights</text>"));
  EXPECT_EQ(count_of(svg, "class=\"pill\""), 2U);
  EXPECT_EQ(count_of(svg, "<path class=\"line\""), 3U);
  EXPECT_EQ(svg.substr(svg.size() - 7), "</svg>\n");
}

TEST(Svg, EscapesNames) {
  const std::string svg = drawn("odd_names.onnx");
  EXPECT_THAT(svg, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, Not(HasSubstr("\x1b")));
  GraphProto graph;
  graph.name = "\xef\xbf\xbf & \xff";
  EXPECT_THAT(to_svg(graph), HasSubstr(">\xef\xbf\xbd &amp; \\xff</text>"));
}

TEST(Svg, DrawsConstantsInTheBoxesThatReadThem) {
  const std::string svg = drawn("torchscript_opset17.onnx");
  EXPECT_EQ(count_of(svg, ">Constant</text>"), 0U);
  EXPECT_EQ(count_of(svg, "<g>"), 181U - 61U + 2U);  // nodes without constants, input, output
}

TEST(Svg, FramesScopesAndDrawsSubgraphs) {
  const std::string svg = drawn("torchscript_opset17.onnx");
  EXPECT_THAT(svg, HasSubstr("class=\"scope\">se_block</text>"));
  EXPECT_THAT(drawn("if_branches.onnx"),
              HasSubstr("class=\"title\" text-anchor=\"middle\">yes</text>"));
}

TEST(Svg, DrawsUnsoundGraphsToo) {
  EXPECT_EQ(count_of(drawn("cycle.onnx"), "class=\"line back\""), 1U);
  for (const std::string file :
       {"dangling_input", "duplicate_output", "not_topological", "output_not_written"}) {
    EXPECT_THAT(drawn(file + ".onnx"), HasSubstr("</svg>")) << file;
  }
  EXPECT_THAT(to_svg(GraphProto{}), HasSubstr(">0 nodes, 0 weights</text>"));
}

TEST(Svg, SaysWhenAGraphIsTooLarge) {
  GraphProto graph;
  graph.nodes.assign(kMaxDrawnNodes, test::node("Relu", {"a"}, {"b"}));
  const std::string svg = to_svg(graph);
  EXPECT_THAT(svg, HasSubstr("2001 nodes are too many to draw"));
  EXPECT_LT(svg.size(), 6000U);
}

TEST(Svg, IsTheSameEachTimeAndPlainUtf8) {
  const std::string svg = drawn("dynamo_default.onnx");
  EXPECT_EQ(svg, drawn("dynamo_default.onnx"));
  EXPECT_TRUE(core::is_utf8(svg));
}

}  // namespace
}  // namespace wakebuilder::onnx
