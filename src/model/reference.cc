#include "wakebuilder/model/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "model/eigen_view.h"

namespace wakebuilder::model {
namespace {

using core::Shape;
using Value = Reference::Value;
using MatrixMap = Eigen::Map<RowMajor<double>>;
using ConstMatrixMap = Eigen::Map<const RowMajor<double>>;

Array array_of(Shape shape) {
  Array array{std::move(shape), {}};
  array.data.resize(core::numel(array.shape));
  return array;
}

Value done(Array array) { return Reference::input(std::move(array)); }

template <class F>
Value map(const Value& x, F f) {
  Array y = array_of(x->shape);
  std::transform(x->data.begin(), x->data.end(), y.data.begin(), f);
  return done(std::move(y));
}

template <class F>
Value zip(const Value& a, const Value& b, F f) {
  WAKEBUILDER_EXPECT(a->shape == b->shape);
  Array y = array_of(a->shape);
  std::transform(a->data.begin(), a->data.end(), b->data.begin(), y.data.begin(), f);
  return done(std::move(y));
}

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

/// Strides of a row-major shape.
Shape strides_of(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

std::size_t at(std::int64_t index) {
  WAKEBUILDER_EXPECT(index >= 0);
  return static_cast<std::size_t>(index);
}

}  // namespace

Array to_array(const core::Tensor& tensor) {
  Array array = array_of(tensor.shape());
  if (tensor.dtype() == core::DType::kFloat64) {
    std::memcpy(array.data.data(), tensor.bytes().data(), tensor.bytes().size());
  } else {
    const auto values = tensor.as<float>();
    std::copy(values.begin(), values.end(), array.data.begin());
  }
  return array;
}

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

Value Reference::conv1d(const std::string& /*name*/, const Value& x, const Conv1d<Parameter>& w,
                        std::int64_t padding) {
  WAKEBUILDER_EXPECT(x->shape.size() == 3 && w.weight.tensor.shape().size() == 3);
  const std::int64_t batch = x->shape[0];
  const std::int64_t in = x->shape[1];
  const std::int64_t length = x->shape[2];
  const std::int64_t out = w.weight.tensor.shape()[0];
  const std::int64_t kernel = w.weight.tensor.shape()[2];
  WAKEBUILDER_EXPECT(w.weight.tensor.shape()[1] == in);
  const std::int64_t positions = length + 2 * padding - kernel + 1;
  WAKEBUILDER_EXPECT(positions >= 0);
  // The window of each position as a row, in the order of the kernel's [in, kernel]; zeros outside.
  Array windows = array_of({batch * positions, in * kernel});
  for (std::int64_t i = 0; i < batch * positions * in * kernel; ++i) {
    const std::int64_t tap = i % kernel;
    const std::int64_t channel = i / kernel % in;
    const std::int64_t position = i / (kernel * in) % positions;
    const std::int64_t source = position + tap - padding;
    if (source < 0 || source >= length) continue;
    windows.data[at(i)] =
        x->data[at(((i / (kernel * in * positions)) * in + channel) * length + source)];
  }
  const core::Tensor flat = core::Tensor::view(core::DType::kFloat32, {out, in * kernel},
                                               w.weight.tensor.bytes(), nullptr);
  const Value rows = linear({}, done(std::move(windows)), {.weight = {{}, flat}, .bias = w.bias});
  return transpose({}, reshape({}, rows, {batch, positions, out}), {0, 2, 1});
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
  WAKEBUILDER_EXPECT(rank >= 2 && b->shape.size() == rank);
  const std::int64_t rows = a->shape[rank - 2];
  const std::int64_t inner = a->shape[rank - 1];
  const std::int64_t columns = b->shape[rank - 1];
  WAKEBUILDER_EXPECT(b->shape[rank - 2] == inner);
  WAKEBUILDER_EXPECT(std::equal(a->shape.begin(), a->shape.end() - 2, b->shape.begin()));
  Shape shape = a->shape;
  shape[rank - 1] = columns;
  Array y = array_of(shape);
  const std::int64_t matrices =
      std::accumulate(a->shape.begin(), a->shape.end() - 2, std::int64_t{1}, std::multiplies<>());
  for (std::int64_t i = 0; i < matrices; ++i) {
    MatrixMap(y.data.data() + i * rows * columns, rows, columns).noalias() =
        ConstMatrixMap(a->data.data() + i * rows * inner, rows, inner) *
        ConstMatrixMap(b->data.data() + i * inner * columns, inner, columns);
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

Value Reference::add(const std::string& /*name*/, const Value& a, const Value& b) {
  return zip(a, b, std::plus<>());
}

Value Reference::mul(const std::string& /*name*/, const Value& a, const Value& b) {
  return zip(a, b, std::multiplies<>());
}

Value Reference::scale(const std::string& /*name*/, const Value& x, double factor) {
  return map(x, [factor](double v) { return v * factor; });
}

Value Reference::relu(const std::string& /*name*/, const Value& x) {
  return map(x, [](double v) { return std::max(v, 0.0); });
}

Value Reference::sigmoid(const std::string& /*name*/, const Value& x) {
  return map(x, [](double v) { return 1.0 / (1.0 + std::exp(-v)); });
}

Value Reference::gelu(const std::string& /*name*/, const Value& x) {
  return map(x, [](double v) { return 0.5 * v * (1.0 + std::erf(v / std::sqrt(2.0))); });
}

Value Reference::reshape(const std::string& /*name*/, const Value& x, const Shape& shape) {
  Array y{shape, x->data};
  std::int64_t known = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) y.shape[i] = x->shape.at(i);
    if (shape[i] != -1) known *= y.shape[i];
  }
  const auto inferred = std::find(y.shape.begin(), y.shape.end(), -1);
  if (inferred != y.shape.end()) *inferred = static_cast<std::int64_t>(x->data.size()) / known;
  WAKEBUILDER_EXPECT(core::numel(y.shape) == y.data.size());
  return done(std::move(y));
}

Value Reference::transpose(const std::string& /*name*/, const Value& x,
                           const std::vector<std::int64_t>& order) {
  const std::size_t rank = x->shape.size();
  WAKEBUILDER_EXPECT(order.size() == rank);
  const Shape source_strides = strides_of(x->shape);
  Shape shape(rank);
  Shape strides(rank);  // of the source, in the order of the target's axes
  for (std::size_t i = 0; i < rank; ++i) {
    shape[i] = x->shape.at(at(order[i]));
    strides[i] = source_strides[at(order[i])];
  }
  Array y = array_of(shape);
  Shape index(rank, 0);
  for (double& target : y.data) {
    target = x->data[at(
        std::inner_product(index.begin(), index.end(), strides.begin(), std::int64_t{0}))];
    for (std::size_t axis = rank; axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return done(std::move(y));
}

Value Reference::unsqueeze(const std::string& /*name*/, const Value& x, std::int64_t axis) {
  Array y = *x;
  y.shape.insert(y.shape.begin() + axis, 1);
  return done(std::move(y));
}

Value Reference::squeeze(const std::string& /*name*/, const Value& x, std::int64_t axis) {
  WAKEBUILDER_EXPECT(x->shape.at(at(axis)) == 1);
  Array y = *x;
  y.shape.erase(y.shape.begin() + axis);
  return done(std::move(y));
}

std::vector<Value> Reference::split(const std::string& /*name*/, const Value& x, std::int64_t parts,
                                    std::int64_t axis) {
  WAKEBUILDER_EXPECT(parts > 0 && x->shape.at(at(axis)) % parts == 0);
  const auto after = x->shape.begin() + axis + 1;
  const std::int64_t inner =
      std::accumulate(after, x->shape.end(), std::int64_t{1}, std::multiplies<>());
  Shape shape = x->shape;
  shape[at(axis)] /= parts;
  const std::size_t run = at(shape[at(axis)] * inner);  // consecutive numbers of one part
  std::vector<Value> values;
  for (std::size_t part = 0; part < at(parts); ++part) {
    Array y = array_of(shape);
    for (std::size_t i = 0; i * run < y.data.size(); ++i) {
      const auto from = x->data.begin() + static_cast<std::ptrdiff_t>((i * at(parts) + part) * run);
      std::copy_n(from, run, y.data.begin() + static_cast<std::ptrdiff_t>(i * run));
    }
    values.push_back(done(std::move(y)));
  }
  return values;
}

}  // namespace wakebuilder::model
