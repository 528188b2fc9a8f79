// The reference interpreter: products, convolutions, norms.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <vector>

#include "wakebuilder/core/parallel.h"
#include "wakebuilder/model/reference.h"

#include "model/dense_product.h"
#include "model/reference_arrays.h"

namespace wakebuilder::model {
namespace {

using core::Shape;
using Value = Reference::Value;
/// (x - mean) / sqrt(variance + epsilon) over each run of `size` numbers; variance is the biased
/// one.
void normalise(std::vector<double>& data, std::size_t size, double epsilon) {
  const auto count = static_cast<double>(size);
  for (std::size_t begin = 0; begin < data.size(); begin += size) {
    const std::span run(data.data() + begin, size);
    const double mean = std::accumulate(run.begin(), run.end(), 0.0) / count;
    double variance = 0;
    for (double& x : run) {
      x -= mean;
      variance += x * x;
    }
    const double deviation = std::sqrt(variance / count + epsilon);
    for (double& x : run) x /= deviation;
  }
}

/// Calls f(channel, run) for the runs of `inner` numbers of an array [..., channels, inner].
template <class F>
void for_each_channel(std::vector<double>& data, std::size_t channels, std::size_t inner, F&& f) {
  for (std::size_t begin = 0; begin < data.size(); begin += inner) {
    f(begin / inner % channels, std::span(data.data() + begin, inner));
  }
}

/// x[..., channel, inner...] * weight[channel] + bias[channel], with `inner` numbers per channel.
void scale_and_shift(std::vector<double>& data, std::size_t inner, const Norm<Parameter>& w) {
  const auto weight = w.weight.tensor.as<float>();
  const auto bias = w.bias.tensor.as<float>();
  for_each_channel(data, weight.size(), inner, [&](std::size_t channel, std::span<double> run) {
    const auto factor = static_cast<double>(weight[channel]);
    const auto term = static_cast<double>(bias[channel]);
    for (double& x : run) x = x * factor + term;
  });
}

/// A convolution over two axes; one over one axis has height 1.
struct Conv2d {
  std::int64_t batch, in, height, width;              // of the input
  std::int64_t out, kernel_height, kernel_width;      // of the weight
  std::int64_t groups, pad_y, pad_x, step_y, step_x;  // of the geometry
  std::int64_t tap_y, tap_x;

  std::int64_t rows() const { return length(height, pad_y, kernel_height, tap_y, step_y); }
  std::int64_t columns() const { return length(width, pad_x, kernel_width, tap_x, step_x); }
  std::int64_t taps() const { return in / groups * kernel_height * kernel_width; }

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

/// Where one number of the kernel looks, for an output that begins at row 0 and column 0; in the
/// padding where that is negative.
struct Tap {
  std::int64_t y, x;
};

Tap tap_of(const Conv2d& conv, std::int64_t tap) {
  return {.y = tap / conv.kernel_width % conv.kernel_height * conv.tap_y - conv.pad_y,
          .x = tap % conv.kernel_width * conv.tap_x - conv.pad_x};
}

/// Calls f(source, place, count) for each of `rows` rows of the output from `first` on: `count`
/// numbers from `place` on, of [rows, columns], see source[0], source[step_x], ...; what is missing
/// sees padding. `channel` is one channel of the input.
template <class F>
void for_each_run(const Conv2d& conv, const double* channel, Tap tap, std::int64_t first,
                  std::int64_t rows, F&& f) {
  const std::int64_t columns = conv.columns();
  const auto not_before = [&](std::int64_t x) {  // the first column that sees x or what follows it
    return std::clamp<std::int64_t>((x - tap.x + conv.step_x - 1) / conv.step_x, 0, columns);
  };
  const std::int64_t begin = not_before(0);
  const std::int64_t end = not_before(conv.width);
  if (begin >= end) return;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t y = (first + row) * conv.step_y + tap.y;
    if (y < 0 || y >= conv.height) continue;
    f(channel + y * conv.width + begin * conv.step_x + tap.x, at(row * columns + begin),
      at(end - begin));
  }
}

/// What each number of the kernel sees: [taps, rows * columns], with the taps in the order of the
/// weight's [in, height, width], for `rows` rows of the output from `first` on. `x` are the
/// channels of one group.
std::vector<double> windows_of(const double* x, const Conv2d& conv, std::int64_t first,
                               std::int64_t rows) {
  const std::size_t positions = at(rows * conv.columns());
  std::vector<double> windows(at(conv.taps()) * positions);
  const auto step = static_cast<std::ptrdiff_t>(conv.step_x);
  for (std::int64_t tap = 0; tap < conv.taps(); ++tap) {
    const double* channel =
        x + tap / (conv.kernel_height * conv.kernel_width) * conv.height * conv.width;
    double* const to = windows.data() + at(tap) * positions;
    for_each_run(conv, channel, tap_of(conv, tap), first, rows,
                 [&](const double* source, std::size_t place, std::size_t count) {
                   if (step == 1) {
                     std::copy_n(source, count, to + place);
                   } else {
                     for (std::size_t i = 0; i < count; ++i, source += step)
                       to[place + i] = *source;
                   }
                 });
  }
  return windows;
}

/// y [out of a group, positions] += weight · windows, some rows of the output at a time: windows
/// are taps times as large as what they are made of.
void convolve_group(const double* x, std::span<const float> weight, const Conv2d& conv, double* y,
                    std::int64_t first, std::int64_t rows) {
  const std::vector<double> windows = windows_of(x, conv, first, rows);
  const std::int64_t columns = conv.columns();
  const std::size_t taps = at(conv.taps());
  add_product(matrix(weight.data(), at(conv.out / conv.groups), taps),
              matrix(windows.data(), taps, at(rows * columns)), y + first * columns,
              at(conv.rows() * columns), 1);
}

/// The same for groups of one input channel, tap by tap.
void convolve_depthwise(const double* x, std::span<const float> weight, const Conv2d& conv,
                        double* y, std::int64_t first, std::int64_t rows) {
  const auto step = static_cast<std::ptrdiff_t>(conv.step_x);
  const std::int64_t columns = conv.columns();
  for (std::int64_t i = 0; i < conv.out / conv.groups * conv.taps(); ++i) {
    const std::int64_t channel = i / conv.taps();
    const auto factor = static_cast<double>(weight[at(i)]);
    double* const to = y + (channel * conv.rows() + first) * columns;
    for_each_run(conv, x, tap_of(conv, i % conv.taps()), first, rows,
                 [&](const double* source, std::size_t place, std::size_t count) {
                   for (std::size_t j = 0; j < count; ++j, source += step)
                     to[place + j] += factor * *source;
                 });
  }
}

/// y [batch, out, positions] += the convolution of x.
void convolve(const double* x, std::span<const float> weight, const Conv2d& conv, double* y) {
  constexpr std::int64_t kPositions = 512;  // at a time
  const std::int64_t in = conv.in / conv.groups;
  const std::int64_t out = conv.out / conv.groups;
  const std::int64_t rows = std::max<std::int64_t>(1, kPositions / conv.columns());
  const std::int64_t blocks = (conv.rows() + rows - 1) / rows;
  const std::size_t work = at(conv.batch * conv.out * conv.taps() * conv.rows() * conv.columns());
  core::for_each_job(
      at(conv.batch * conv.groups * blocks), core::threads_for(work), [&](std::size_t job) {
        const auto part = static_cast<std::int64_t>(job) / blocks;
        const std::int64_t first = static_cast<std::int64_t>(job) % blocks * rows;
        const std::int64_t count = std::min(rows, conv.rows() - first);
        const auto* const group = x + part * in * conv.height * conv.width;
        const auto weights =
            weight.subspan(at(part % conv.groups * out * conv.taps()), at(out * conv.taps()));
        double* const to = y + part * out * conv.rows() * conv.columns();
        const bool is_depthwise = in == 1 && conv.groups > 1;
        (is_depthwise ? convolve_depthwise : convolve_group)(group, weights, conv, to, first,
                                                             count);
      });
}

/// The maximum of each `kernel` steps of an axis, every `stride` steps.
Value max_along(const Value& x, std::int64_t axis, std::int64_t kernel, std::int64_t stride) {
  const AroundAxis whole = around(x->shape, axis);
  WAKEBUILDER_EXPECT(kernel >= 1 && stride >= 1 && whole.length >= at(kernel));
  Shape shape = x->shape;
  shape[at(axis)] = (shape[at(axis)] - kernel) / stride + 1;
  const std::size_t length = at(shape[at(axis)]);
  Array y = array_of(shape);
  for (std::size_t i = 0; i < whole.outer * length; ++i) {
    const double* from =
        x->data.data() + (i / length * whole.length + i % length * at(stride)) * whole.inner;
    double* const to = y.data.data() + i * whole.inner;
    std::copy_n(from, whole.inner, to);
    for (std::int64_t tap = 1; tap < kernel; ++tap) {
      from += whole.inner;
      for (std::size_t j = 0; j < whole.inner; ++j) to[j] = std::max(to[j], from[j]);
    }
  }
  return done(std::move(y));
}

/// The bias of a convolution; zeros where it has none.
std::vector<float> bias_of(const Conv<Parameter>& w, std::size_t channels) {
  if (!w.bias) return std::vector<float>(channels);
  const auto bias = w.bias->tensor.as<float>();
  WAKEBUILDER_EXPECT(bias.size() == channels);
  return {bias.begin(), bias.end()};
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
  const Shape& weight = w.weight.tensor.shape();
  const auto bias = w.bias.tensor.as<float>();
  WAKEBUILDER_EXPECT(weight.size() == 2 && x->shape[1] == weight[1] &&
                     at(weight[0]) == bias.size());
  Array y = array_of({x->shape[0], weight[0]});
  for (std::size_t i = 0; i < y.data.size(); i += bias.size()) {
    std::copy(bias.begin(), bias.end(), y.data.begin() + static_cast<std::ptrdiff_t>(i));
  }
  const std::size_t in = at(weight[1]);
  add_product(matrix(x->data.data(), at(x->shape[0]), in),
              matrix(w.weight.tensor.as<float>().data(), bias.size(), in).transposed(),
              y.data.data(), bias.size());
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
  const std::size_t rows = at(a->shape[rank - 2]);
  const std::size_t inner = at(a->shape[rank - 1]);
  const std::size_t columns = at(b->shape[rank_b - 1]);
  const std::size_t advance = rank_b == rank ? inner * columns : 0;
  WAKEBUILDER_EXPECT(b->shape[rank_b - 2] == a->shape[rank - 1]);
  WAKEBUILDER_EXPECT(rank_b == 2 ||
                     std::equal(a->shape.begin(), a->shape.end() - 2, b->shape.begin()));
  Shape shape = a->shape;
  shape[rank - 1] = b->shape[rank_b - 1];
  Array y = array_of(shape);
  const std::size_t matrices = core::numel(Shape(a->shape.begin(), a->shape.end() - 2));
  for (std::size_t i = 0; i < matrices; ++i) {
    add_product(matrix(a->data.data() + i * rows * inner, rows, inner),
                matrix(b->data.data() + i * advance, inner, columns),
                y.data.data() + i * rows * columns, columns);
  }
  return done(std::move(y));
}

Value Reference::softmax(const std::string& /*name*/, const Value& x) {
  WAKEBUILDER_EXPECT(!x->shape.empty());
  Array y = *x;
  const std::size_t size = at(x->shape.back());
  core::for_each_part(y.data.size(), size, kCostOfExp, [&](std::size_t begin, std::size_t end) {
    for (; begin < end; begin += size) {
      const std::span row(y.data.data() + begin, size);
      const double most = *std::max_element(row.begin(), row.end());
      double sum = 0;
      for (double& v : row) sum += v = std::exp(v - most);
      for (double& v : row) v /= sum;
    }
  });
  return done(std::move(y));
}

Value Reference::conv(const std::string& /*name*/, const Value& x, const Conv<Parameter>& w,
                      const ConvGeometry& geometry) {
  const Shape& weight = w.weight.tensor.shape();
  const Conv2d conv = describe(*x, weight, geometry);
  Shape shape = {conv.batch, conv.out, conv.rows(), conv.columns()};
  if (x->shape.size() == 3) shape.erase(shape.begin() + 2);
  const std::size_t positions = at(conv.rows() * conv.columns());
  Array y{shape, {}};
  y.data.reserve(core::numel(shape));
  const std::vector<float> bias = bias_of(w, at(conv.out));
  for (std::int64_t row = 0; row < conv.batch; ++row) {
    for (const float term : bias) y.data.insert(y.data.end(), positions, static_cast<double>(term));
  }
  convolve(x->data.data(), w.weight.tensor.as<float>(), conv, y.data.data());
  return done(std::move(y));
}

Value Reference::max_pool(const std::string& /*name*/, const Value& x,
                          const std::vector<std::int64_t>& kernel,
                          const std::vector<std::int64_t>& stride) {
  WAKEBUILDER_EXPECT(kernel.size() == stride.size() && x->shape.size() == kernel.size() + 2);
  Value y = x;
  for (std::size_t i = 0; i < kernel.size(); ++i) {  // one axis at a time: a maximum of maxima
    if (kernel[i] == 1 && stride[i] == 1) continue;
    y = max_along(y, static_cast<std::int64_t>(i) + 2, kernel[i], stride[i]);
  }
  return y;
}

Value Reference::batch_norm(const std::string& /*name*/, const Value& x,
                            const BatchNorm<Parameter>& w, double epsilon) {
  const auto channels = static_cast<std::size_t>(x->shape.at(1));
  WAKEBUILDER_EXPECT(w.variance.tensor.size() == channels);
  const std::size_t inner = around(x->shape, 1).inner;
  Array y = *x;
  for_each_channel(y.data, channels, inner, [&](std::size_t channel, std::span<double> run) {
    const auto of = [channel](const Parameter& p) {
      return static_cast<double>(p.tensor.as<float>()[channel]);
    };
    const double mean = of(w.mean);
    const double factor = of(w.weight) / std::sqrt(of(w.variance) + epsilon);
    const double bias = of(w.bias);
    for (double& v : run) v = (v - mean) * factor + bias;
  });
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
