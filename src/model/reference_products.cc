// The reference interpreter: products, convolutions, norms.

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

#include "wakebuilder/model/reference.h"

#include "model/eigen_view.h"
#include "model/reference_arrays.h"

namespace wakebuilder::model {
namespace {

using core::Shape;
using Value = Reference::Value;
using MatrixMap = Eigen::Map<RowMajor<double>>;
using ConstMatrixMap = Eigen::Map<const RowMajor<double>>;

/// y += x Wᵀ, with W converted a few rows at a time: a whole copy in double would be twice the
/// checkpoint.
void add_product(const ConstMatrixMap& x, const Eigen::Map<const RowMajor<float>>& w, MatrixMap y) {
  constexpr Eigen::Index kRows = 64;
  RowMajor<double> part;
  for (Eigen::Index row = 0; row < w.rows(); row += kRows) {
    const Eigen::Index rows = std::min(kRows, w.rows() - row);
    part = w.middleRows(row, rows).cast<double>();
    y.middleCols(row, rows).noalias() += x * part.transpose();
  }
}

/// (x - mean) / sqrt(variance + epsilon) over each run of `size` numbers; variance is the biased
/// one.
void normalise(std::vector<double>& data, std::size_t size, double epsilon) {
  for (std::size_t begin = 0; begin < data.size(); begin += size) {
    Eigen::Map<Eigen::ArrayXd> run(data.data() + begin, static_cast<Eigen::Index>(size));
    run -= run.mean();
    run /= std::sqrt(run.square().mean() + epsilon);
  }
}

/// x[..., channel, inner...] * weight[channel] + bias[channel], with `inner` numbers per channel.
void scale_and_shift(std::vector<double>& data, std::size_t inner, const Norm<Parameter>& w) {
  const auto weight = w.weight.tensor.as<float>();
  const auto bias = w.bias.tensor.as<float>();
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::size_t channel = i / inner % weight.size();
    data[i] = data[i] * static_cast<double>(weight[channel]) + static_cast<double>(bias[channel]);
  }
}

/// A convolution over two axes; one over one axis has height 1.
struct Conv2d {
  std::int64_t batch, in, height, width;              // of the input
  std::int64_t out, kernel_height, kernel_width;      // of the weight
  std::int64_t groups, pad_y, pad_x, step_y, step_x;  // of the geometry
  std::int64_t tap_y, tap_x;

  std::int64_t rows() const { return length(height, pad_y, kernel_height, tap_y, step_y); }
  std::int64_t columns() const { return length(width, pad_x, kernel_width, tap_x, step_x); }

 private:
  static std::int64_t length(std::int64_t in, std::int64_t pad, std::int64_t kernel,
                             std::int64_t tap, std::int64_t step) {
    const std::int64_t room = in + 2 * pad - tap * (kernel - 1) - 1;
    WAKEBUILDER_EXPECT(room >= 0);
    return room / step + 1;
  }
};

Conv2d describe(const Array& x, const Shape& weight, const ConvGeometry& geometry) {
  const std::size_t axes = x.shape.size() - 2;
  WAKEBUILDER_EXPECT(x.shape.size() >= 3 && axes <= 2 && weight.size() == axes + 2);
  const auto pair = [axes](const std::vector<std::int64_t>& numbers, std::int64_t usual) {
    WAKEBUILDER_EXPECT(numbers.empty() || numbers.size() == axes);
    if (numbers.empty()) return std::pair(usual, usual);
    return axes == 2 ? std::pair(numbers[0], numbers[1]) : std::pair(usual, numbers[0]);
  };
  const auto [pad_y, pad_x] = pair(geometry.padding, 0);
  const auto [step_y, step_x] = pair(geometry.stride, 1);
  const auto [tap_y, tap_x] = pair(geometry.dilation, 1);
  const bool flat = axes == 1;
  Conv2d conv{.batch = x.shape[0],
              .in = x.shape[1],
              .height = flat ? 1 : x.shape[2],
              .width = x.shape.back(),
              .out = weight[0],
              .kernel_height = flat ? 1 : weight[2],
              .kernel_width = weight.back(),
              .groups = geometry.groups,
              .pad_y = pad_y,
              .pad_x = pad_x,
              .step_y = step_y,
              .step_x = step_x,
              .tap_y = tap_y,
              .tap_x = tap_x};
  WAKEBUILDER_EXPECT(conv.groups >= 1 && conv.out % conv.groups == 0);
  WAKEBUILDER_EXPECT(weight[1] * conv.groups == conv.in);
  return conv;
}

/// What the kernel sees at each position, as rows in the order of the weight's [in, height, width];
/// of one batch row `x` and the channels from `first` on.
RowMajor<double> windows_of(const double* x, std::int64_t first, const Conv2d& conv) {
  const std::int64_t channels = conv.in / conv.groups;
  const std::int64_t columns = conv.columns();
  RowMajor<double> windows(conv.rows() * columns,
                           channels * conv.kernel_height * conv.kernel_width);
  windows.setZero();
  for (std::int64_t tap = 0; tap < windows.cols(); ++tap) {
    const std::int64_t tap_x = tap % conv.kernel_width * conv.tap_x - conv.pad_x;
    const std::int64_t tap_y =
        tap / conv.kernel_width % conv.kernel_height * conv.tap_y - conv.pad_y;
    const std::int64_t channel = first + tap / (conv.kernel_width * conv.kernel_height);
    for (std::int64_t position = 0; position < windows.rows(); ++position) {
      const std::int64_t row = position / columns * conv.step_y + tap_y;
      const std::int64_t column = position % columns * conv.step_x + tap_x;
      if (row < 0 || row >= conv.height || column < 0 || column >= conv.width) continue;
      windows(position, tap) = x[(channel * conv.height + row) * conv.width + column];
    }
  }
  return windows;
}

/// Real and imaginary parts of the DFT as matrices [length, bins], one behind the other.
Array dft_matrices(std::int64_t length, std::int64_t fft_size) {
  const std::int64_t bins = fft_size / 2 + 1;
  Array matrix = array_of({2, length, bins});
  for (std::int64_t i = 0; i < length * bins; ++i) {
    const std::int64_t turn = (i / bins) * (i % bins) % fft_size;
    const double angle =
        2 * std::numbers::pi * static_cast<double>(turn) / static_cast<double>(fft_size);
    matrix.data[at(i)] = std::cos(angle);
    matrix.data[at(length * bins + i)] = std::sin(angle);
  }
  return matrix;
}

}  // namespace

Value Reference::linear(const std::string& /*name*/, const Value& x, const Linear<Parameter>& w) {
  WAKEBUILDER_EXPECT(x->shape.size() == 2);
  const auto weight = matrix_view(w.weight.tensor);
  const auto bias = vector_view(w.bias.tensor);
  WAKEBUILDER_EXPECT(x->shape[1] == weight.cols() && weight.rows() == bias.size());
  Array y = array_of({x->shape[0], weight.rows()});
  MatrixMap out(y.data.data(), y.shape[0], y.shape[1]);
  out.rowwise() = bias.cast<double>().transpose();
  add_product(ConstMatrixMap(x->data.data(), x->shape[0], x->shape[1]), weight, out);
  return done(std::move(y));
}

Value Reference::layer_norm(const std::string& /*name*/, const Value& x, const Norm<Parameter>& w,
                            double epsilon) {
  WAKEBUILDER_EXPECT(!x->shape.empty() && w.weight.tensor.shape() == Shape{x->shape.back()});
  Array y = *x;
  normalise(y.data, at(x->shape.back()), epsilon);
  scale_and_shift(y.data, 1, w);
  return done(std::move(y));
}

Value Reference::group_norm(const std::string& /*name*/, const Value& x, const Norm<Parameter>& w,
                            std::int64_t groups, double epsilon) {
  WAKEBUILDER_EXPECT(x->shape.size() == 3 && groups > 0 && x->shape[1] % groups == 0);
  WAKEBUILDER_EXPECT(w.weight.tensor.shape() == Shape{x->shape[1]});
  Array y = *x;
  normalise(y.data, at(x->shape[1] / groups * x->shape[2]), epsilon);
  scale_and_shift(y.data, at(x->shape[2]), w);
  return done(std::move(y));
}

Value Reference::matmul(const std::string& /*name*/, const Value& a, const Value& b) {
  const std::size_t rank = a->shape.size();
  const std::size_t rank_b = b->shape.size();
  WAKEBUILDER_EXPECT(rank >= 2 && (rank_b == rank || rank_b == 2));
  const std::int64_t rows = a->shape[rank - 2];
  const std::int64_t inner = a->shape[rank - 1];
  const std::int64_t columns = b->shape[rank_b - 1];
  const std::int64_t advance = rank_b == rank ? inner * columns : 0;
  WAKEBUILDER_EXPECT(b->shape[rank_b - 2] == inner);
  WAKEBUILDER_EXPECT(rank_b == 2 ||
                     std::equal(a->shape.begin(), a->shape.end() - 2, b->shape.begin()));
  Shape shape = a->shape;
  shape[rank - 1] = columns;
  Array y = array_of(shape);
  const std::int64_t matrices =
      std::accumulate(a->shape.begin(), a->shape.end() - 2, std::int64_t{1}, std::multiplies<>());
  for (std::int64_t i = 0; i < matrices; ++i) {
    MatrixMap(y.data.data() + i * rows * columns, rows, columns).noalias() =
        ConstMatrixMap(a->data.data() + i * rows * inner, rows, inner) *
        ConstMatrixMap(b->data.data() + i * advance, inner, columns);
  }
  return done(std::move(y));
}

Value Reference::softmax(const std::string& /*name*/, const Value& x) {
  WAKEBUILDER_EXPECT(!x->shape.empty());
  Array y = *x;
  const std::size_t size = at(x->shape.back());
  for (std::size_t begin = 0; begin < y.data.size(); begin += size) {
    Eigen::Map<Eigen::ArrayXd> row(y.data.data() + begin, static_cast<Eigen::Index>(size));
    row = (row - row.maxCoeff()).exp();
    row /= row.sum();
  }
  return done(std::move(y));
}

Value Reference::conv(const std::string& /*name*/, const Value& x, const Conv<Parameter>& w,
                      const ConvGeometry& geometry) {
  const Shape& weight = w.weight.tensor.shape();
  const Conv2d conv = describe(*x, weight, geometry);
  const std::int64_t positions = conv.rows() * conv.columns();
  const std::int64_t outputs = conv.out / conv.groups;
  const std::int64_t taps = conv.in / conv.groups * conv.kernel_height * conv.kernel_width;
  Shape shape = {conv.batch, conv.out, conv.rows(), conv.columns()};
  if (x->shape.size() == 3) shape.erase(shape.begin() + 2);
  Array y = array_of(shape);
  RowMajor<double> result(positions, outputs);
  for (std::int64_t part = 0; part < conv.batch * conv.groups; ++part) {
    const std::int64_t group = part % conv.groups;
    const double* row = x->data.data() + part / conv.groups * conv.in * conv.height * conv.width;
    const RowMajor<double> windows = windows_of(row, group * (conv.in / conv.groups), conv);
    result.setZero();
    add_product(ConstMatrixMap(windows.data(), positions, taps),
                {w.weight.tensor.as<float>().data() + group * outputs * taps, outputs, taps},
                MatrixMap(result.data(), positions, outputs));
    MatrixMap(y.data.data() + part * outputs * positions, outputs, positions) = result.transpose();
  }
  if (!w.bias) return done(std::move(y));
  Shape bias_shape(shape.size() - 1, 1);
  bias_shape[0] = conv.out;
  return add({}, done(std::move(y)), reshape({}, value(*w.bias), bias_shape));
}

Value Reference::max_pool(const std::string& /*name*/, const Value& x,
                          const std::vector<std::int64_t>& kernel,
                          const std::vector<std::int64_t>& stride) {
  WAKEBUILDER_EXPECT(kernel.size() == stride.size() && x->shape.size() == kernel.size() + 2);
  Value y = x;
  for (std::size_t i = 0; i < kernel.size(); ++i) {  // one axis at a time: a maximum of maxima
    const auto axis = static_cast<std::int64_t>(i) + 2;
    const std::int64_t length = y->shape[at(axis)];
    WAKEBUILDER_EXPECT(kernel[i] >= 1 && stride[i] >= 1 && length >= kernel[i]);
    const std::int64_t last = (length - kernel[i]) / stride[i] * stride[i];
    Value most = slice({}, y, axis, 0, last + 1, stride[i]);
    for (std::int64_t tap = 1; tap < kernel[i]; ++tap) {
      Array next = *slice({}, y, axis, tap, last + tap + 1, stride[i]);
      for (std::size_t j = 0; j < next.data.size(); ++j)
        next.data[j] = std::max(next.data[j], most->data[j]);
      most = done(std::move(next));
    }
    y = most;
  }
  return y;
}

Value Reference::batch_norm(const std::string& /*name*/, const Value& x,
                            const BatchNorm<Parameter>& w, double epsilon) {
  const auto channels = static_cast<std::size_t>(x->shape.at(1));
  WAKEBUILDER_EXPECT(w.variance.tensor.size() == channels);
  const std::size_t inner = around(x->shape, 1).inner;
  Array y = *x;
  for (std::size_t i = 0; i < y.data.size(); ++i) {
    const std::size_t channel = i / inner % channels;
    const auto of = [channel](const Parameter& p) {
      return static_cast<double>(p.tensor.as<float>()[channel]);
    };
    y.data[i] =
        (y.data[i] - of(w.mean)) / std::sqrt(of(w.variance) + epsilon) * of(w.weight) + of(w.bias);
  }
  return done(std::move(y));
}

Value Reference::power_spectrum(const std::string& /*name*/, const Value& x, std::int64_t length,
                                std::int64_t fft_size) {
  WAKEBUILDER_EXPECT(x->shape.size() == 3 && x->shape[2] == length && length <= fft_size);
  const Value matrices = done(dft_matrices(length, fft_size));
  const auto squared = [&](std::int64_t part) {
    const Value matrix = squeeze({}, slice({}, matrices, 0, part, part + 1), 0);
    const Value y = matmul({}, x, matrix);
    return mul({}, y, y);
  };
  return add({}, squared(0), squared(1));
}

}  // namespace wakebuilder::model
