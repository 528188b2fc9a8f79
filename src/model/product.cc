// The usual blocking of dense products (Goto and van de Geijn 2008): the columns of b are packed in
// panels of 8, which stay in the first cache; the rows of a in blocks of 96, in double, which stay
// in the second. A kernel computes one block times one panel, as many rows at a time as its
// accumulators fit the registers.

#include "model/product.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::model {
namespace {

constexpr std::size_t kPanel = 8;   // columns of a panel
constexpr std::size_t kBlock = 96;  // rows of a block
constexpr std::size_t kGroup = 12;  // rows that lie side by side in a packed block

template <class T, std::size_t Bytes>
struct Vector {
  typedef T type [[gnu::vector_size(Bytes)]];  // NOLINT(modernize-use-using): clang 14 wants it so
};

/// out [96, 8] = rows [96 / 12, inner, 12] · columns [inner, 8], in vectors of Width doubles and
/// Rows rows at a time.
template <std::size_t Width, std::size_t Rows>
[[gnu::always_inline]] inline void multiply(const double* rows, const float* columns,
                                            std::size_t inner, double* out) {
  using Lanes = typename Vector<double, Width * sizeof(double)>::type;
  using Narrow = typename Vector<float, Width * sizeof(float)>::type;
  constexpr std::size_t kParts = kPanel / Width;
  for (std::size_t row = 0; row < kBlock; row += Rows) {
    const double* a = rows + row / kGroup * kGroup * inner + row % kGroup;
    std::array<std::array<Lanes, kParts>, Rows> sums{};
    for (std::size_t k = 0; k < inner; ++k) {
      std::array<Lanes, kParts> b{};
      for (std::size_t part = 0; part < kParts; ++part) {
        Narrow narrow;
        std::memcpy(&narrow, columns + k * kPanel + part * Width, sizeof(narrow));
        b[part] = __builtin_convertvector(narrow, Lanes);
      }
      for (std::size_t r = 0; r < Rows; ++r) {
        for (std::size_t part = 0; part < kParts; ++part) {
          sums[r][part] += a[k * kGroup + r] * b[part];
        }
      }
    }
    std::memcpy(out + row * kPanel, &sums, sizeof(sums));
  }
}

void run_portable(const double* rows, const float* columns, std::size_t inner, double* out) {
  multiply<2, 3>(rows, columns, inner, out);
}

#ifdef __x86_64__
[[gnu::target("avx2,fma")]] void run_avx2(const double* rows, const float* columns,
                                          std::size_t inner, double* out) {
  multiply<4, 6>(rows, columns, inner, out);
}

[[gnu::target("avx512f")]] void run_avx512(const double* rows, const float* columns,
                                           std::size_t inner, double* out) {
  multiply<8, 12>(rows, columns, inner, out);
}
#endif

std::vector<ProductKernel> supported_kernels() {
  std::vector<ProductKernel> kernels;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") != 0) kernels.push_back({"avx512f", run_avx512});
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0)
    kernels.push_back({"avx2", run_avx2});
#endif
  kernels.push_back({"portable", run_portable});
  return kernels;
}

std::size_t divided_up(std::size_t count, std::size_t by) { return (count + by - 1) / by; }

/// [panels, inner, 8]: the columns of b, zeros behind the last.
std::vector<float> pack_columns(std::span<const float> b, std::size_t inner, std::size_t columns) {
  std::vector<float> panels(divided_up(columns, kPanel) * inner * kPanel);
  for (std::size_t k = 0; k < inner; ++k) {
    for (std::size_t column = 0; column < columns; column += kPanel) {
      const std::size_t count = std::min(kPanel, columns - column);
      std::copy_n(b.data() + k * columns + column, count,
                  panels.data() + column * inner + k * kPanel);
    }
  }
  return panels;
}

/// [96 / 12, inner, 12]: up to 96 rows of a; what else was in the block stays and is not looked at.
void pack_rows(std::span<const float> a, std::size_t inner, std::vector<double>& block) {
  for (std::size_t row = 0; row < a.size() / inner; ++row) {
    double* to = block.data() + row / kGroup * kGroup * inner + row % kGroup;
    for (std::size_t k = 0; k < inner; ++k) {
      to[k * kGroup] = static_cast<double>(a[row * inner + k]);
    }
  }
}

}  // namespace

std::span<const ProductKernel> product_kernels() {
  static const std::vector<ProductKernel> kKernels = supported_kernels();
  return kKernels;
}

std::vector<float> product(std::span<const float> a, std::span<const float> b, std::size_t inner,
                           const ProductKernel& kernel) {
  WAKEBUILDER_EXPECT(inner > 0 && a.size() % inner == 0 && b.size() % inner == 0);
  const std::size_t rows = a.size() / inner;
  const std::size_t columns = b.size() / inner;
  const std::vector<float> panels = pack_columns(b, inner, columns);
  std::vector<double> block(kBlock * inner);
  std::vector<float> out(rows * columns);
  std::array<double, kBlock * kPanel> part{};
  for (std::size_t row = 0; row < rows; row += kBlock) {
    const std::size_t height = std::min(kBlock, rows - row);
    pack_rows(a.subspan(row * inner, height * inner), inner, block);
    for (std::size_t column = 0; column < columns; column += kPanel) {
      const std::size_t width = std::min(kPanel, columns - column);
      kernel.run(block.data(), panels.data() + column * inner, inner, part.data());
      for (std::size_t i = 0; i < height * width; ++i) {
        out[(row + i / width) * columns + column + i % width] =
            static_cast<float>(part[i / width * kPanel + i % width]);
      }
    }
  }
  return out;
}

std::vector<float> product(std::span<const float> a, std::span<const float> b, std::size_t inner) {
  return product(a, b, inner, product_kernels().front());
}

}  // namespace wakebuilder::model
