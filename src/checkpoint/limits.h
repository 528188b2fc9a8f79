// What a checkpoint may ask for. docs/security.md explains each number.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wakebuilder::checkpoint {

constexpr std::size_t kMaxZipRecords = 10'000;
constexpr std::size_t kMaxRecordNameBytes = 1'024;
constexpr std::uint64_t kMaxPickleBytes = std::uint64_t{16} << 20;
constexpr std::size_t kMaxOpcodes = 250'000;
constexpr std::size_t kMaxMemoIndex = 250'000;
constexpr std::size_t kMaxLongBytes = 32;
constexpr std::size_t kMaxTensorRank = 32;
/// Bytes that a pickle may make beyond its own: shared objects that calls copy, digits of long
/// integers.
constexpr std::size_t kMaxMadeBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxDepth = 128;
/// Memory for the values of a checkpoint, without the data of tensors.
constexpr std::size_t kMaxTreeBytes = std::size_t{32} << 20;
/// Copies of tensor data (inflated, byte-swapped, not contiguous, not aligned) may take the size of
/// the file and this much more.
constexpr std::uint64_t kCopyAllowance = std::uint64_t{16} << 20;
constexpr std::uint64_t kMaxSafetensorsHeaderBytes = std::uint64_t{4} << 20;
/// Values in a JSON text, which take far more memory than their text.
constexpr std::size_t kMaxJsonValues = 100'000;

}  // namespace wakebuilder::checkpoint
