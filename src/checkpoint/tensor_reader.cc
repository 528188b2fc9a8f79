#include "checkpoint/tensor_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

namespace wakebuilder::checkpoint {
namespace {

using core::DType;
using core::Tensor;

/// Bytes that are swapped as one: a complex number is two.
std::size_t swap_size(DType dtype) {
  const bool is_complex = dtype == DType::kComplex64 || dtype == DType::kComplex128;
  return is_complex ? core::item_size(dtype) / 2 : core::item_size(dtype);
}

/// True when the elements follow each other without gaps. A dimension of 1 may have any stride.
bool is_contiguous(const TensorSpec& spec) {
  std::int64_t expected = 1;
  for (std::size_t i = spec.shape.size(); i-- > 0;) {
    if (spec.shape[i] == 1) continue;
    if (spec.strides[i] != expected) return false;
    expected *= spec.shape[i];
  }
  return true;
}

/// Copies the elements of dimension `axis` and those below it to `out`, and moves `out` behind
/// them.
/// @pre axis < spec.shape.size()
void gather(const TensorSpec& spec, std::size_t axis, const std::byte* from, std::byte*& out) {
  const std::size_t item = core::item_size(spec.dtype);
  const auto count = static_cast<std::size_t>(spec.shape[axis]);
  const std::size_t step = static_cast<std::size_t>(spec.strides[axis]) * item;
  const bool is_last = axis + 1 == spec.shape.size();
  if (is_last && step == item) {
    std::memcpy(out, from, count * item);
    out += count * item;
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_last) {
      gather(spec, axis + 1, from + i * step, out);
      continue;
    }
    std::memcpy(out, from + i * step, item);
    out += item;
  }
}

void swap_bytes(std::vector<std::byte>& bytes, std::size_t unit) {
  for (std::size_t at = 0; at < bytes.size(); at += unit) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    std::reverse(begin, begin + static_cast<std::ptrdiff_t>(unit));
  }
}

}  // namespace

bool is_aligned(std::span<const std::byte> bytes, DType dtype) {
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % swap_size(dtype) == 0;
}

Result<Tensor> TensorReader::make(const TensorSpec& spec, const StorageBytes& storage) {
  const std::size_t count = core::numel(spec.shape);
  const std::size_t size = count * core::item_size(spec.dtype);
  if (count == 0) return Tensor::from_bytes(spec.dtype, spec.shape, {});
  const std::size_t start = static_cast<std::size_t>(spec.offset) * core::item_size(spec.dtype);
  const bool contiguous = is_contiguous(spec);
  const bool swapped = storage.big_endian && swap_size(spec.dtype) > 1;
  if (contiguous && !swapped && is_aligned(storage.bytes.subspan(start), spec.dtype)) {
    return Tensor::view(spec.dtype, spec.shape, storage.bytes.subspan(start, size), storage.owner);
  }
  WAKEBUILDER_CHECK(budget_.take(size));
  std::vector<std::byte> copy(size);
  std::byte* out = copy.data();
  if (contiguous) {
    std::memcpy(out, storage.bytes.data() + start, size);
  } else {
    gather(spec, 0, storage.bytes.data() + start, out);
  }
  if (swapped) swap_bytes(copy, swap_size(spec.dtype));
  return Tensor::from_bytes(spec.dtype, spec.shape, std::move(copy));
}

Result<Tensor> TensorReader::read(std::size_t index) {
  std::optional<Tensor>& made = tensors_[index];
  if (made) return *made;
  const TensorSpec& spec = graph_.tensors[index];
  std::optional<StorageBytes>& storage = storages_[spec.storage];
  if (!storage) {
    WAKEBUILDER_TRY(storage, source_(graph_.storages[spec.storage], budget_));
  }
  WAKEBUILDER_TRY(made, make(spec, *storage));
  return *made;
}

}  // namespace wakebuilder::checkpoint
