// Here and not beside the model, since the expected matrix is in a checkpoint.

#include "wakebuilder/model/bridge.h"

#include <cmath>

#include <gtest/gtest.h>

#include "wakebuilder/model/load_compact.h"
#include "wakebuilder/pipeline/load.h"

#include "pipeline/golden.h"

namespace wakebuilder {
namespace {

TEST(Bridge, IsTheOneThatScipyFound) {
  const auto loaded = pipeline::load_network(test::data("compact/computer.pt"));
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto& network = std::get<model::CompactClassifier>(loaded->network);
  const auto expected = network.network.bridge.tensor.as<float>();
  const core::Tensor bridge = model::make_bridge();
  ASSERT_EQ(bridge.shape(), (core::Shape{128, 32}));
  const auto found = bridge.as<float>();
  const float scale = *std::ranges::max_element(expected);
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], 1e-6F * scale) << i / 32 << ", " << i % 32;
}

}  // namespace
}  // namespace wakebuilder
