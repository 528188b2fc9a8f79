// Tensors and arrays as Eigen sees them. Private: Eigen stays inside this module.
#pragma once

#include <Eigen/Core>

#include "wakebuilder/core/tensor.h"

namespace wakebuilder::model {

template <class T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A float32 tensor [rows, columns]. @pre rank 2, else std::logic_error
inline Eigen::Map<const RowMajor<float>> matrix_view(const core::Tensor& tensor) {
  WAKEBUILDER_EXPECT(tensor.shape().size() == 2);
  return {tensor.as<float>().data(), tensor.shape()[0], tensor.shape()[1]};
}

/// A float32 tensor [size]. @pre rank 1, else std::logic_error
inline Eigen::Map<const Eigen::VectorXf> vector_view(const core::Tensor& tensor) {
  WAKEBUILDER_EXPECT(tensor.shape().size() == 1);
  return {tensor.as<float>().data(), tensor.shape()[0]};
}

}  // namespace wakebuilder::model
