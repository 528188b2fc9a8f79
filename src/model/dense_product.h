// Products of matrices in double, as fast as the processor allows: what the reference interpreter
// spends its time on.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <variant>

#include "wakebuilder/core/parallel.h"

namespace wakebuilder::model {

/// A matrix somewhere in memory: element (i, j) is data[i * row_step + j * column_step].
struct MatrixView {
  std::variant<const double*, const float*> data;
  std::size_t rows = 0, columns = 0;
  std::size_t row_step = 0, column_step = 1;

  MatrixView transposed() const { return {data, columns, rows, column_step, row_step}; }
};

/// A whole row-major matrix.
template <class T>
MatrixView matrix(const T* data, std::size_t rows, std::size_t columns) {
  return {data, rows, columns, columns, 1};
}

/// One way to multiply: c[rows, 8] += a · b, with a packed as [depth, 12], b as [depth, 8], and
/// c_step numbers from one row of c to the next.
struct DenseKernel {
  std::string_view name;  ///< "avx512f", "avx2", "portable"
  void (*run)(const double* a, const double* b, std::size_t depth, double* c, std::size_t c_step);
};

/// Those that this processor has the instructions for, the fastest first.
std::span<const DenseKernel> dense_kernels();

/// c [a.rows, b.columns] += a · b; the rows of c are c_step numbers apart.
///
/// float32 is converted block by block; nothing is rounded but double sums. The bits do not depend
/// on the number of threads; on the kernel they do, as some fuse multiply and add.
/// @pre a.columns == b.rows, else std::logic_error; c overlaps neither
void add_product(const MatrixView& a, const MatrixView& b, double* c, std::size_t c_step,
                 std::size_t threads = core::usual_threads(),
                 const DenseKernel& kernel = dense_kernels().front());

}  // namespace wakebuilder::model
