#include "model/product.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wakebuilder::model {
namespace {

using ::testing::ElementsAre;

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(-2.0F, 2.0F);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(engine);
  return values;
}

/// The definition: a sum in double over the inner index, in its order.
std::vector<float> by_definition(const std::vector<float>& a, const std::vector<float>& b,
                                 std::size_t inner) {
  const std::size_t rows = a.size() / inner;
  const std::size_t columns = b.size() / inner;
  std::vector<float> out;
  for (std::size_t i = 0; i < rows * columns; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < inner; ++k) {
      const double x = a[i / columns * inner + k];
      const double y = b[k * columns + i % columns];
      sum += x * y;
    }
    out.push_back(static_cast<float>(sum));
  }
  return out;
}

TEST(Product, MultipliesTwoSmallMatrices) {
  const std::vector<float> a = {1, 2, 3, 4, 5, 6};     // [2, 3]
  const std::vector<float> b = {1, 10, 2, 20, 3, 30};  // [3, 2]
  EXPECT_THAT(product(a, b, 3), ElementsAre(14, 140, 32, 320));
}

TEST(Product, GivesTheSameBitsWithEveryInstructionSet) {
  struct Sizes {
    std::size_t rows, inner, columns;
  };
  for (const Sizes size : {Sizes{1, 1, 1}, {5, 3, 9}, {12, 7, 8}, {96, 40, 16}, {97, 129, 17}}) {
    const auto a = random_values(size.rows * size.inner, 1);
    const auto b = random_values(size.inner * size.columns, 2);
    const auto expected = by_definition(a, b, size.inner);
    for (const ProductKernel& kernel : product_kernels()) {
      EXPECT_EQ(product(a, b, size.inner, kernel), expected)
          << kernel.name << ' ' << size.rows << ' ' << size.inner << ' ' << size.columns;
    }
  }
}

TEST(Product, RefusesSizesThatDoNotFitTheInnerOne) {
  const std::vector<float> values(6);
  EXPECT_THROW(product(values, values, 4), std::logic_error);
  EXPECT_THROW(product(values, values, 0), std::logic_error);
}

}  // namespace
}  // namespace wakebuilder::model
