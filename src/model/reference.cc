#include "wakebuilder/model/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

#include "wakebuilder/core/parallel.h"

#include "model/reference_arrays.h"

namespace wakebuilder::model {
namespace {

using core::Shape;
using Value = Reference::Value;

/// f of each number; `cost` is that of one, in multiply-adds.
template <class F>
Value map(const Value& x, F f, std::size_t cost = 1) {
  Array y = array_of(x->shape);
  core::for_each_part(y.data.size(), 1, cost, [&](std::size_t begin, std::size_t end) {
    const double* const from = x->data.data();
    std::transform(from + begin, from + end, y.data.data() + begin, f);
  });
  return done(std::move(y));
}

/// The shape that both can be stretched to (numpy, "Broadcasting").
Shape broadcast_shape(const Shape& a, const Shape& b) {
  Shape shape(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t in_a = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t in_b = i < b.size() ? b[b.size() - 1 - i] : 1;
    WAKEBUILDER_EXPECT(in_a == in_b || in_a == 1 || in_b == 1);
    shape[shape.size() - 1 - i] = in_a == 1 ? in_b : in_a;
  }
  return shape;
}

/// Strides that read an array of `shape` as one of `target`, with 0 where it is stretched.
Shape stretched_strides(const Shape& shape, const Shape& target) {
  const Shape own = strides_of(shape);
  Shape strides(target.size(), 0);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != 1) strides[target.size() - shape.size() + i] = own[i];
  }
  return strides;
}

Value stretched(const Value& x, const Shape& shape) {
  if (x->shape == shape) return x;
  Array y = array_of(shape);
  auto target = y.data.begin();
  for_each_offset(shape, stretched_strides(x->shape, shape),
                  [&](std::size_t offset) { *target++ = x->data[offset]; });
  return done(std::move(y));
}

/// How far two operands can be walked together: over the last axes, each either goes along with all
/// of them or stays where it is.
struct CommonRun {
  std::size_t length = 1;
  std::int64_t step_a = 0, step_b = 0;
  std::size_t axes = 0;  ///< in front of these
};

CommonRun common_run(const Shape& shape, const Shape& strides_a, const Shape& strides_b) {
  CommonRun run{.axes = shape.size()};
  for (; run.axes > 0; --run.axes) {
    const std::size_t axis = run.axes - 1;
    if (shape[axis] == 1) continue;
    if (run.length == 1) {
      run.step_a = strides_a[axis];
      run.step_b = strides_b[axis];
    }
    const auto length = static_cast<std::int64_t>(run.length);
    if (strides_a[axis] != run.step_a * length || strides_b[axis] != run.step_b * length) break;
    run.length *= at(shape[axis]);
  }
  return run;
}

template <class F>
void zip_run(const CommonRun& run, const double* a, const double* b, double* y, F f) {
  if (run.step_a != 0 && run.step_b != 0) {
    std::transform(a, a + run.length, b, y, f);
  } else if (run.step_a != 0) {
    std::transform(a, a + run.length, y, [&f, right = *b](double left) { return f(left, right); });
  } else {
    std::transform(b, b + run.length, y, [&f, left = *a](double right) { return f(left, right); });
  }
}

template <class F>
Value zip(const Value& a, const Value& b, F f) {
  Array y = array_of(broadcast_shape(a->shape, b->shape));
  Shape strides_a = stretched_strides(a->shape, y.shape);
  Shape strides_b = stretched_strides(b->shape, y.shape);
  const CommonRun run = common_run(y.shape, strides_a, strides_b);
  if (y.data.empty()) return done(std::move(y));
  strides_a.resize(run.axes);
  strides_b.resize(run.axes);
  double* to = y.data.data();
  for_each_offsets<2>({y.shape.begin(), y.shape.begin() + static_cast<std::ptrdiff_t>(run.axes)},
                      {strides_a, strides_b}, [&](const std::array<std::size_t, 2>& from) {
                        zip_run(run, a->data.data() + from[0], b->data.data() + from[1], to, f);
                        to += run.length;
                      });
  return done(std::move(y));
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

Value Reference::add(const std::string& /*name*/, const Value& a, const Value& b) {
  return zip(a, b, std::plus<>());
}

Value Reference::mul(const std::string& /*name*/, const Value& a, const Value& b) {
  return zip(a, b, std::multiplies<>());
}

Value Reference::sub(const std::string& /*name*/, const Value& a, const Value& b) {
  return zip(a, b, std::minus<>());
}

Value Reference::div(const std::string& /*name*/, const Value& a, const Value& b) {
  return zip(a, b, std::divides<>());
}

Value Reference::scale(const std::string& /*name*/, const Value& x, double factor) {
  return map(x, [factor](double v) { return v * factor; });
}

Value Reference::shift(const std::string& /*name*/, const Value& x, double term) {
  return map(x, [term](double v) { return v + term; });
}

Value Reference::at_least(const std::string& /*name*/, const Value& x, double least) {
  return map(x, [least](double v) { return std::max(v, least); });
}

Value Reference::relu(const std::string& /*name*/, const Value& x) {
  return map(x, [](double v) { return std::max(v, 0.0); });
}

Value Reference::leaky_relu(const std::string& /*name*/, const Value& x, double slope) {
  return map(x, [slope](double v) { return v < 0 ? v * slope : v; });
}

Value Reference::abs(const std::string& /*name*/, const Value& x) {
  return map(x, [](double v) { return std::abs(v); });
}

Value Reference::exp(const std::string& /*name*/, const Value& x) {
  return map(
      x, [](double v) { return std::exp(v); }, kCostOfExp);
}

Value Reference::log(const std::string& /*name*/, const Value& x) {
  return map(
      x, [](double v) { return std::log(v); }, kCostOfExp);
}

Value Reference::greater(const std::string& /*name*/, const Value& x, double than) {
  return map(x, [than](double v) { return v > than ? 1.0 : 0.0; });
}

Value Reference::choose(const std::string& /*name*/, const Value& condition, const Value& x,
                        double otherwise) {
  return zip(condition, x, [otherwise](double c, double v) { return c != 0 ? v : otherwise; });
}

Value Reference::to_float(const std::string& /*name*/, const Value& x) { return x; }

Value Reference::to_double(const std::string& /*name*/, const Value& x) { return x; }

Value Reference::sigmoid(const std::string& /*name*/, const Value& x) {
  return map(
      x, [](double v) { return 1.0 / (1.0 + std::exp(-v)); }, kCostOfExp);
}

Value Reference::gelu(const std::string& /*name*/, const Value& x) {
  return map(
      x, [](double v) { return 0.5 * v * (1.0 + std::erf(v / std::sqrt(2.0))); }, kCostOfExp);
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
  auto target = y.data.begin();
  for_each_offset(shape, strides, [&](std::size_t offset) { *target++ = x->data[offset]; });
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
  const std::int64_t length = x->shape[at(axis)] / parts;
  std::vector<Value> values;
  for (std::int64_t part = 0; part < parts; ++part) {
    values.push_back(slice({}, x, axis, part * length, (part + 1) * length));
  }
  return values;
}

Value Reference::value(const Parameter& parameter) { return done(to_array(parameter.tensor)); }

Value Reference::value(const Parameter& parameter, const Shape& shape) {
  return reshape({}, value(parameter), shape);
}

Value Reference::repeat_for_batch(const std::string& /*name*/, const Parameter& parameter,
                                  const Value& x) {
  Shape shape = parameter.tensor.shape();
  WAKEBUILDER_EXPECT(shape.at(0) == 1);
  shape[0] = x->shape.at(0);
  return stretched(value(parameter), shape);
}

Value Reference::concat(const std::string& /*name*/, const std::vector<Value>& values,
                        std::int64_t axis) {
  WAKEBUILDER_EXPECT(!values.empty());
  Shape shape = values[0]->shape;
  shape.at(at(axis)) = 0;
  for (const Value& part : values) {
    Shape other = part->shape;
    shape[at(axis)] += std::exchange(other.at(at(axis)), shape[at(axis)]);
    other[at(axis)] = shape[at(axis)];
    WAKEBUILDER_EXPECT(other == shape);
  }
  Array y = array_of(shape);
  const AroundAxis whole = around(shape, axis);
  std::size_t begin = 0;
  for (const Value& part : values) {
    const std::size_t run = around(part->shape, axis).length * whole.inner;
    for (std::size_t i = 0; i < whole.outer; ++i) {
      std::copy_n(
          part->data.begin() + static_cast<std::ptrdiff_t>(i * run), run,
          y.data.begin() + static_cast<std::ptrdiff_t>(i * whole.length * whole.inner + begin));
    }
    begin += run;
  }
  return done(std::move(y));
}

Value Reference::slice(const std::string& /*name*/, const Value& x, std::int64_t axis,
                       std::int64_t begin, std::int64_t end, std::int64_t step) {
  WAKEBUILDER_EXPECT(step >= 1);
  const AroundAxis whole = around(x->shape, axis);
  const auto length = static_cast<std::int64_t>(whole.length);
  const auto clamped = [length](std::int64_t index) {
    return std::clamp<std::int64_t>(index < 0 ? index + length : index, 0, length);
  };
  begin = clamped(begin);
  end = clamped(end);
  Shape shape = x->shape;
  shape[at(axis)] = end > begin ? (end - begin + step - 1) / step : 0;
  Array y = array_of(shape);
  double* target = y.data.data();
  const std::int64_t run = step == 1 ? std::max<std::int64_t>(1, end - begin) : 1;
  for (std::size_t i = 0; i < whole.outer; ++i) {
    for (std::int64_t j = begin; j < end; j += run * step) {
      target = std::copy_n(x->data.data() + (i * whole.length + at(j)) * whole.inner,
                           at(run) * whole.inner, target);
    }
  }
  return done(std::move(y));
}

Value Reference::pad(const std::string& /*name*/, const Value& x,
                     const std::vector<std::int64_t>& before,
                     const std::vector<std::int64_t>& after, double number) {
  const std::size_t rank = x->shape.size();
  WAKEBUILDER_EXPECT(before.size() == rank && after.size() == rank);
  Value y = x;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const auto filled = [&](std::int64_t length) {
      Shape shape = y->shape;
      shape[axis] = length;
      return done({shape, std::vector<double>(core::numel(shape), number)});
    };
    if (before[axis] == 0 && after[axis] == 0) continue;
    y = concat({}, {filled(before[axis]), y, filled(after[axis])}, static_cast<std::int64_t>(axis));
  }
  return y;
}

Value Reference::reduce(const std::string& /*name*/, const Value& x, Reduction reduction,
                        std::int64_t axis) {
  const AroundAxis whole = around(x->shape, axis);
  WAKEBUILDER_EXPECT(whole.length > 0);
  Shape shape = x->shape;
  shape[at(axis)] = 1;
  Array y = array_of(shape);
  for (std::size_t i = 0; i < whole.outer; ++i) {
    const double* from = x->data.data() + i * whole.length * whole.inner;
    const std::span to(y.data.data() + i * whole.inner, whole.inner);
    std::copy_n(from, whole.inner, to.begin());
    for (std::size_t j = 1; j < whole.length; ++j) {
      from += whole.inner;
      const auto join = [reduction](double so_far, double next) {
        return reduction == Reduction::kMax ? std::max(so_far, next) : so_far + next;
      };
      std::transform(to.begin(), to.end(), from, to.begin(), join);
    }
    if (reduction != Reduction::kMean) continue;
    for (double& v : to) v /= static_cast<double>(whole.length);
  }
  return done(std::move(y));
}

Value Reference::frames(const std::string& /*name*/, const Value& x, std::int64_t length,
                        std::int64_t shift) {
  WAKEBUILDER_EXPECT(x->shape.size() == 2 && length > 0 && shift > 0);
  const std::int64_t samples = x->shape[1];
  const std::int64_t count = samples < length ? 0 : 1 + (samples - length) / shift;
  Array y = array_of({x->shape[0], count, length});
  auto target = y.data.begin();
  for (std::int64_t row = 0; row < x->shape[0]; ++row) {
    for (std::int64_t frame = 0; frame < count; ++frame) {
      target = std::copy_n(x->data.begin() + row * samples + frame * shift, length, target);
    }
  }
  return done(std::move(y));
}

void Reference::begin_stream() { stream_.emplace(); }

Value Reference::past(const std::string& name, const Value& x, std::int64_t axis,
                      const Shape& state) {
  const std::int64_t steps = state.at(at(axis));
  if (!stream_ || steps == 0) return x;
  Shape shape = state;
  shape[0] = x->shape.at(0);
  Value& kept = (*stream_)[path_ + "/" + name];
  if (kept == nullptr) kept = done(array_of(shape));
  WAKEBUILDER_EXPECT(kept->shape == shape);
  Value whole = concat({}, {kept, x}, axis);
  kept = slice({}, whole, axis, -steps, kToTheEnd);
  return whole;
}

}  // namespace wakebuilder::model
