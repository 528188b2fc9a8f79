#include "onnx/layered_layout.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace wakebuilder::onnx {
namespace {

std::vector<BoxSize> boxes(std::size_t count) {
  return std::vector<BoxSize>(count, BoxSize{.width = 40, .height = 20});
}

TEST(LayeredLayout, PutsReadersBelow) {
  const std::vector<LayoutEdge> edges = {{0, 1}, {1, 2}};
  const Layout layout = lay_out(boxes(3), edges);
  EXPECT_LT(layout.centers[0].y, layout.centers[1].y);
  EXPECT_LT(layout.centers[1].y, layout.centers[2].y);
  EXPECT_DOUBLE_EQ(layout.centers[0].x, layout.centers[2].x);
}

TEST(LayeredLayout, KeepsBoxesOfALayerApart) {
  std::vector<LayoutEdge> edges;
  for (std::size_t i = 1; i < 8; ++i) edges.push_back({0, i});
  const Layout layout = lay_out(boxes(8), edges);
  for (std::size_t a = 1; a < 8; ++a) {
    for (std::size_t b = a + 1; b < 8; ++b) {
      EXPECT_GE(std::abs(layout.centers[a].x - layout.centers[b].x), 40);
    }
  }
  EXPECT_NEAR(layout.centers[0].x, layout.width / 2, 1e-9);
}

TEST(LayeredLayout, BendsLongLinesAroundTheLayersBetween) {
  const std::vector<LayoutEdge> edges = {{0, 1}, {1, 2}, {2, 3}, {0, 3}};
  const Layout layout = lay_out(boxes(4), edges);
  EXPECT_TRUE(layout.bends[0].empty());
  ASSERT_EQ(layout.bends[3].size(), 4U);  // enters and leaves two layers
  EXPECT_GT(std::abs(layout.bends[3][0].x - layout.centers[1].x), 20);
}

// Two pairs whose first sequence crosses.
TEST(LayeredLayout, UncrossesLines) {
  const std::vector<LayoutEdge> edges = {{0, 3}, {1, 2}};
  const Layout layout = lay_out(boxes(4), edges);
  EXPECT_EQ(layout.centers[0].x < layout.centers[1].x, layout.centers[3].x < layout.centers[2].x);
}

TEST(LayeredLayout, TakesCyclesLoopsAndNothing) {
  const std::vector<LayoutEdge> edges = {{0, 1}, {1, 2}, {2, 0}, {1, 1}};
  const Layout layout = lay_out(boxes(3), edges);
  EXPECT_EQ(layout.centers.size(), 3U);
  EXPECT_TRUE(layout.bends[3].empty());
  EXPECT_EQ(lay_out({}, {}).height, 0);
}

TEST(LayeredLayout, RunsLongEdgesStraightWhereThereAreTooMany) {
  std::vector<LayoutEdge> edges;
  for (std::size_t i = 1; i < 500; ++i) {
    edges.push_back({i - 1, i});
    edges.push_back({0, i});
  }
  const Layout layout = lay_out(boxes(500), edges);
  std::size_t bends = 0;
  for (const auto& points : layout.bends) bends += points.size();
  EXPECT_LE(bends, 42000U);
}

TEST(LayeredLayout, ExpectsEdgesBetweenBoxes) {
  const std::vector<LayoutEdge> edges = {{0, 3}};
  EXPECT_THROW(lay_out(boxes(3), edges), std::logic_error);
}

}  // namespace
}  // namespace wakebuilder::onnx
