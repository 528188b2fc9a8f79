// What the files of the reference interpreter share: arrays, and walking through them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "wakebuilder/core/expect.h"
#include "wakebuilder/model/reference.h"

namespace wakebuilder::model {

inline constexpr std::size_t kCostOfExp = 16;  ///< and its like, in multiply-adds

inline Array array_of(core::Shape shape) {
  Array array{std::move(shape), {}};
  array.data.resize(core::numel(array.shape));
  return array;
}

inline Reference::Value done(Array array) { return Reference::input(std::move(array)); }

/// Strides of a row-major shape.
inline core::Shape strides_of(const core::Shape& shape) {
  core::Shape strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

inline std::size_t at(std::int64_t index) {
  WAKEBUILDER_EXPECT(index >= 0);
  return static_cast<std::size_t>(index);
}

/// Calls f(offsets) for each element of `shape` in order: its places by each of some strides.
template <std::size_t Count, class F>
void for_each_offsets(const core::Shape& shape, const std::array<core::Shape, Count>& strides,
                      F&& f) {
  const std::size_t count = core::numel(shape);
  core::Shape index(shape.size(), 0);
  std::array<std::size_t, Count> offsets{};
  for (std::size_t i = 0; i < count; ++i) {
    f(offsets);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      const bool is_last = ++index[axis] == shape[axis];
      for (std::size_t j = 0; j < Count; ++j) {
        const std::size_t stride = at(strides[j][axis]);
        if (is_last)
          offsets[j] -= stride * at(shape[axis] - 1);
        else
          offsets[j] += stride;
      }
      if (!is_last) break;
      index[axis] = 0;
    }
  }
}

/// Calls f(offset) for each element of `shape` in order, with its place by `strides`.
template <class F>
void for_each_offset(const core::Shape& shape, const core::Shape& strides, F&& f) {
  if (shape.empty()) return f(std::size_t{0});
  const std::size_t length = at(shape.back());
  const std::size_t step = at(strides.back());
  for_each_offsets<1>({shape.begin(), shape.end() - 1},
                      {core::Shape(strides.begin(), strides.end() - 1)},
                      [&](const std::array<std::size_t, 1>& offsets) {
                        for (std::size_t i = 0; i < length; ++i) f(offsets[0] + i * step);
                      });
}

/// A shape as [outer, axis, inner]: what lies before an axis, the axis, what lies behind it.
struct AroundAxis {
  std::size_t outer = 1, length = 1, inner = 1;
};

inline AroundAxis around(const core::Shape& shape, std::int64_t axis) {
  AroundAxis parts;
  parts.length = at(shape.at(at(axis)));
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i < at(axis)) parts.outer *= at(shape[i]);
    if (i > at(axis)) parts.inner *= at(shape[i]);
  }
  return parts;
}

}  // namespace wakebuilder::model
