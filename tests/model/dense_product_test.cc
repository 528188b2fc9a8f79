#include "model/dense_product.h"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace wakebuilder::model {
namespace {

template <class T>
std::vector<T> random_values(std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<T> uniform(-2, 2);
  std::vector<T> values(count);
  for (T& value : values) value = uniform(engine);
  return values;
}

double element(const MatrixView& matrix, std::size_t row, std::size_t column) {
  const std::size_t place = row * matrix.row_step + column * matrix.column_step;
  return std::visit([place](const auto* data) { return static_cast<double>(data[place]); },
                    matrix.data);
}

/// c += a · b by every kernel, on one thread and on two, against a plain loop. c has three more
/// columns, which must stay as they are.
void expect_right_product(const MatrixView& a, const MatrixView& b) {
  const std::size_t c_step = b.columns + 3;
  const auto before = random_values<double>(a.rows * c_step, 3);
  for (const DenseKernel& kernel : dense_kernels()) {
    SCOPED_TRACE(std::string(kernel.name) + ": " + std::to_string(a.rows) + ' ' +
                 std::to_string(a.columns) + ' ' + std::to_string(b.columns));
    auto c = before;
    add_product(a, b, c.data(), c_step, 1, kernel);
    auto with_two_threads = before;
    add_product(a, b, with_two_threads.data(), c_step, 2, kernel);
    EXPECT_EQ(c, with_two_threads);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < c.size(); ++i) {
      double sum = before[i];
      double size = std::abs(sum);
      for (std::size_t k = 0; k < a.columns && i % c_step < b.columns; ++k) {
        const double term = element(a, i / c_step, k) * element(b, k, i % c_step);
        sum += term;
        size += std::abs(term);
      }
      const double allowed = i % c_step < b.columns ? 1e-13 * size : 0.0;
      wrong += std::abs(c[i] - sum) <= allowed ? 0U : 1U;
    }
    EXPECT_EQ(wrong, 0U);
  }
}

struct Sizes {
  std::size_t rows, inner, columns;
};

const std::vector<Sizes>& odd_sizes() {
  static const std::vector<Sizes> kSizes = {{1, 1, 1},   {1, 300, 7}, {7, 8, 9},      {8, 9, 1},
                                            {9, 7, 8},   {97, 1, 97}, {97, 300, 97},  {300, 97, 9},
                                            {9, 8, 300}, {400, 9, 3}, {300, 257, 300}};
  return kSizes;
}

TEST(DenseProduct, MultipliesRowMajorMatricesOfDoubles) {
  for (const auto& [rows, inner, columns] : odd_sizes()) {
    const auto a = random_values<double>(rows * inner, 1);
    const auto b = random_values<double>(inner * columns, 2);
    expect_right_product(matrix(a.data(), rows, inner), matrix(b.data(), inner, columns));
  }
}

TEST(DenseProduct, MultipliesByTransposedWeightsInFloat32) {
  for (const auto& [rows, inner, columns] : odd_sizes()) {
    const auto a = random_values<double>(rows * inner, 1);
    const auto weight = random_values<float>(columns * inner, 2);
    expect_right_product(matrix(a.data(), rows, inner),
                         matrix(weight.data(), columns, inner).transposed());
  }
}

TEST(DenseProduct, MultipliesWeightsInFloat32ByDoubles) {
  for (const auto& [rows, inner, columns] : odd_sizes()) {
    const auto weight = random_values<float>(rows * inner, 1);
    const auto b = random_values<double>(inner * columns, 2);
    expect_right_product(matrix(weight.data(), rows, inner), matrix(b.data(), inner, columns));
  }
}

TEST(DenseProduct, LeavesWhatItAddsToWhereThereIsNothingToSum) {
  const std::vector<double> nothing;
  std::vector<double> c = {1, 2};
  add_product(matrix(nothing.data(), 1, 0), matrix(nothing.data(), 0, 2), c.data(), 2);
  EXPECT_EQ(c, (std::vector<double>{1, 2}));
}

TEST(DenseProduct, RefusesInnerSizesThatDiffer) {
  const std::vector<double> values(6);
  double c = 0;
  const MatrixView row = matrix(values.data(), 1, 6);
  EXPECT_THROW(add_product(row, row, &c, 1), std::logic_error);
}

}  // namespace
}  // namespace wakebuilder::model
