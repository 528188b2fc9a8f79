// The blocking of Goto and van de Geijn (2008), "Anatomy of High-Performance Matrix
// Multiplication": a block of b is packed in panels of 8 columns, a block of a in groups of 12
// rows, both over at most 256 of the inner index. One panel stays in the first cache, the block of
// a in the second. A kernel multiplies one group and one panel, as many rows at a time as its sums
// fit the registers.
//
// c is cut into tiles that are computed apart from each other, each by one thread.

#include "model/dense_product.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::model {
namespace {

constexpr std::size_t kPanel = 8;          // columns of a panel
constexpr std::size_t kGroup = 12;         // rows of a group
constexpr std::size_t kDepth = 256;        // of the inner index at a time
constexpr std::size_t kBlock = 96;         // rows of a that are packed at a time
constexpr std::size_t kTileRows = 384;     // of c
constexpr std::size_t kTileColumns = 256;  // of c

static_assert(kTileRows % kBlock == 0 && kBlock % kGroup == 0 && kTileColumns % kPanel == 0);

template <class T, std::size_t Bytes>
struct Vector {
  typedef T type [[gnu::vector_size(Bytes)]];  // NOLINT(modernize-use-using): clang 14 wants it so
};

/// c [12, 8] += a [depth, 12] · b [depth, 8], in vectors of Width doubles and Rows rows at a time.
template <std::size_t Width, std::size_t Rows>
[[gnu::always_inline]] inline void multiply(const double* a, const double* b, std::size_t depth,
                                            double* c, std::size_t c_step) {
  using Lanes = typename Vector<double, Width * sizeof(double)>::type;
  constexpr std::size_t kParts = kPanel / Width;
  for (std::size_t row = 0; row < kGroup; row += Rows) {
    std::array<std::array<Lanes, kParts>, Rows> sums{};
    for (std::size_t k = 0; k < depth; ++k) {
      std::array<Lanes, kParts> line{};
      for (std::size_t part = 0; part < kParts; ++part) {
        std::memcpy(&line[part], b + k * kPanel + part * Width, sizeof(Lanes));
      }
      for (std::size_t r = 0; r < Rows; ++r) {
        for (std::size_t part = 0; part < kParts; ++part) {
          sums[r][part] += a[k * kGroup + row + r] * line[part];
        }
      }
    }
    for (std::size_t r = 0; r < Rows; ++r) {
      for (std::size_t part = 0; part < kParts; ++part) {
        double* const to = c + (row + r) * c_step + part * Width;
        Lanes sum{};
        std::memcpy(&sum, to, sizeof(sum));
        sum += sums[r][part];
        std::memcpy(to, &sum, sizeof(sum));
      }
    }
  }
}

void run_portable(const double* a, const double* b, std::size_t depth, double* c,
                  std::size_t c_step) {
  multiply<2, 3>(a, b, depth, c, c_step);
}

#ifdef __x86_64__
[[gnu::target("avx2,fma")]] void run_avx2(const double* a, const double* b, std::size_t depth,
                                          double* c, std::size_t c_step) {
  multiply<4, 6>(a, b, depth, c, c_step);
}

[[gnu::target("avx512f")]] void run_avx512(const double* a, const double* b, std::size_t depth,
                                           double* c, std::size_t c_step) {
  multiply<8, 12>(a, b, depth, c, c_step);
}
#endif

std::vector<DenseKernel> supported_kernels() {
  std::vector<DenseKernel> kernels;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") != 0) kernels.push_back({"avx512f", run_avx512});
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0)
    kernels.push_back({"avx2", run_avx2});
#endif
  kernels.push_back({"portable", run_portable});
  return kernels;
}

std::size_t divided_up(std::size_t count, std::size_t by) { return (count + by - 1) / by; }

struct Range {
  std::size_t begin, end;
  std::size_t size() const { return end - begin; }
};

/// The part of [0, count) that block number `index` of blocks of `size` covers.
Range block_of(std::size_t index, std::size_t size, std::size_t count) {
  return {index * size, std::min(count, (index + 1) * size)};
}

/// Rows `rows` and columns `depth` of a matrix as [rows / Width, depth, Width], zeros behind the
/// last row.
template <std::size_t Width, class T>
void pack(const T* data, const MatrixView& from, Range rows, Range depth, double* to) {
  for (std::size_t row = rows.begin; row < rows.end; row += Width) {
    const std::size_t count = std::min(Width, rows.end - row);
    for (std::size_t k = depth.begin; k < depth.end; ++k, to += Width) {
      const T* const line = data + row * from.row_step + k * from.column_step;
      if (count == Width && from.row_step == 1) {
        for (std::size_t i = 0; i < Width; ++i) to[i] = static_cast<double>(line[i]);
      } else if (count == Width) {
        for (std::size_t i = 0; i < Width; ++i)
          to[i] = static_cast<double>(line[i * from.row_step]);
      } else {
        for (std::size_t i = 0; i < Width; ++i)
          to[i] = i < count ? static_cast<double>(line[i * from.row_step]) : 0.0;
      }
    }
  }
}

template <std::size_t Width>
void pack(const MatrixView& from, Range rows, Range depth, std::vector<double>& to) {
  to.resize(divided_up(rows.size(), Width) * Width * depth.size());
  std::visit([&](const auto* data) { pack<Width>(data, from, rows, depth, to.data()); }, from.data);
}

/// c [height, width] += one group · one panel, where no more of c than that may be touched.
void multiply_edge(const DenseKernel& kernel, const double* a, const double* b, std::size_t depth,
                   double* c, std::size_t c_step, std::size_t height, std::size_t width) {
  std::array<double, kGroup * kPanel> whole{};
  kernel.run(a, b, depth, whole.data(), kPanel);
  for (std::size_t row = 0; row < height; ++row) {
    for (std::size_t column = 0; column < width; ++column) {
      c[row * c_step + column] += whole[row * kPanel + column];
    }
  }
}

/// c [height, width] += packed rows · packed columns.
void multiply_block(const DenseKernel& kernel, const std::vector<double>& a,
                    const std::vector<double>& b, std::size_t depth, double* c, std::size_t c_step,
                    std::size_t height, std::size_t width) {
  for (std::size_t column = 0; column < width; column += kPanel) {
    for (std::size_t row = 0; row < height; row += kGroup) {
      const double* const group = a.data() + row * depth;
      const double* const panel = b.data() + column * depth;
      double* const to = c + row * c_step + column;
      if (height - row >= kGroup && width - column >= kPanel) {
        kernel.run(group, panel, depth, to, c_step);
      } else {
        multiply_edge(kernel, group, panel, depth, to, c_step, std::min(kGroup, height - row),
                      std::min(kPanel, width - column));
      }
    }
  }
}

}  // namespace

std::span<const DenseKernel> dense_kernels() {
  static const std::vector<DenseKernel> kKernels = supported_kernels();
  return kKernels;
}

void add_product(const MatrixView& a, const MatrixView& b, double* c, std::size_t c_step,
                 std::size_t threads, const DenseKernel& kernel) {
  WAKEBUILDER_EXPECT(a.columns == b.rows);
  const std::size_t inner = a.columns;
  const std::size_t across = divided_up(b.columns, kTileColumns);
  const MatrixView columns_of_b = b.transposed();
  const auto tile = [&](std::size_t job) {
    const Range rows = block_of(job / across, kTileRows, a.rows);
    const Range columns = block_of(job % across, kTileColumns, b.columns);
    std::vector<double> packed_a;
    std::vector<double> packed_b;
    for (std::size_t k = 0; k < inner; k += kDepth) {
      const Range depth = {k, std::min(inner, k + kDepth)};
      pack<kPanel>(columns_of_b, columns, depth, packed_b);
      for (std::size_t row = rows.begin; row < rows.end; row += kBlock) {
        const Range block = {row, std::min(rows.end, row + kBlock)};
        pack<kGroup>(a, block, depth, packed_a);
        multiply_block(kernel, packed_a, packed_b, depth.size(), c + row * c_step + columns.begin,
                       c_step, block.size(), columns.size());
      }
    }
  };
  core::for_each_job(divided_up(a.rows, kTileRows) * across,
                     core::threads_for(a.rows * b.columns * inner, threads), tile);
}

}  // namespace wakebuilder::model
