// Products of float32 matrices, summed in double, with the same bits on every processor.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace wakebuilder::model {

/// a [rows, inner] times b [inner, columns], row-major, rounded to float32 once at the end.
///
/// Each element is the sum over the inner index in its order. The product of two float32 numbers is
/// exact in double, so a fused multiply-add rounds as a product and a sum do, and wide vectors give
/// what narrow ones give. @pre a.size() and b.size() are multiples of inner, else std::logic_error
std::vector<float> product(std::span<const float> a, std::span<const float> b, std::size_t inner);

/// One way to compute it.
struct ProductKernel {
  std::string_view name;  ///< "avx512f", "avx2", "portable"
  void (*run)(const double* rows, const float* columns, std::size_t inner, double* out);
};

/// Those that this processor has the instructions for, the fastest first.
std::span<const ProductKernel> product_kernels();

/// product() by a certain kernel.
std::vector<float> product(std::span<const float> a, std::span<const float> b, std::size_t inner,
                           const ProductKernel& kernel);

}  // namespace wakebuilder::model
