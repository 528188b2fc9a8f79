#include "checkpoint/pickle_globals.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>

#include "wakebuilder/core/expect.h"

namespace wakebuilder::checkpoint {
namespace {

using core::DType;
using enum GlobalKind;

// numpy 2 renamed numpy.core to numpy._core.
constexpr Global kGlobals[] = {
    {"_codecs", "encode", kEncode},
    {"collections", "OrderedDict", kOrderedDict},
    {"numpy", "dtype", kNumpyDType},
    {"numpy._core.multiarray", "scalar", kNumpyScalar},
    {"numpy.core.multiarray", "scalar", kNumpyScalar},
    {"torch", "BFloat16Storage", kStorageType},
    {"torch", "BoolStorage", kStorageType},
    {"torch", "ByteStorage", kStorageType},
    {"torch", "ByteTensor", kTensorType},
    {"torch", "CharStorage", kStorageType},
    {"torch", "CharTensor", kTensorType},
    {"torch", "ComplexDoubleStorage", kStorageType},
    {"torch", "ComplexFloatStorage", kStorageType},
    {"torch", "DoubleStorage", kStorageType},
    {"torch", "DoubleTensor", kTensorType},
    {"torch", "FloatStorage", kStorageType},
    {"torch", "FloatTensor", kTensorType},
    {"torch", "HalfStorage", kStorageType},
    {"torch", "HalfTensor", kTensorType},
    {"torch", "IntStorage", kStorageType},
    {"torch", "IntTensor", kTensorType},
    {"torch", "LongStorage", kStorageType},
    {"torch", "LongTensor", kTensorType},
    {"torch", "QInt32Storage", kStorageType},
    {"torch", "QInt8Storage", kStorageType},
    {"torch", "QUInt8Storage", kStorageType},
    {"torch", "ShortStorage", kStorageType},
    {"torch", "ShortTensor", kTensorType},
    {"torch", "Size", kSize},
    {"torch", "UntypedStorage", kStorageType},
    {"torch", "bfloat16", kDType},
    {"torch", "bool", kDType},
    {"torch", "complex128", kDType},
    {"torch", "complex32", kDType},
    {"torch", "complex64", kDType},
    {"torch", "device", kDevice},
    {"torch", "float16", kDType},
    {"torch", "float32", kDType},
    {"torch", "float64", kDType},
    {"torch", "float8_e4m3fn", kDType},
    {"torch", "float8_e4m3fnuz", kDType},
    {"torch", "float8_e5m2", kDType},
    {"torch", "float8_e5m2fnuz", kDType},
    {"torch", "float8_e8m0fnu", kDType},
    {"torch", "int16", kDType},
    {"torch", "int32", kDType},
    {"torch", "int64", kDType},
    {"torch", "int8", kDType},
    {"torch", "per_channel_affine", kScheme},
    {"torch", "per_channel_affine_float_qparams", kScheme},
    {"torch", "per_channel_symmetric", kScheme},
    {"torch", "per_tensor_affine", kScheme},
    {"torch", "per_tensor_symmetric", kScheme},
    {"torch", "qint32", kDType},
    {"torch", "qint8", kDType},
    {"torch", "quint8", kDType},
    {"torch", "uint16", kDType},
    {"torch", "uint32", kDType},
    {"torch", "uint64", kDType},
    {"torch", "uint8", kDType},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", kRebuildMeta},
    {"torch._utils", "_rebuild_parameter", kRebuildParameter},
    {"torch._utils", "_rebuild_parameter_with_state", kRebuildParameterWithState},
    {"torch._utils", "_rebuild_qtensor", kRebuildQuantized},
    {"torch._utils", "_rebuild_sparse_tensor", kRebuildSparse},
    {"torch._utils", "_rebuild_tensor", kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", kRebuildTensorV2},
    {"torch._utils", "_rebuild_tensor_v3", kRebuildTensorV3},
    {"torch.serialization", "_get_layout", kGetLayout},
    {"torch.storage", "UntypedStorage", kStorageType},
};

struct NamedStorage {
  std::string_view name;
  std::optional<DType> dtype;
  std::uint64_t item_size;
};

constexpr NamedStorage kStorages[] = {
    {"BFloat16Storage", DType::kBFloat16, 2},
    {"BoolStorage", DType::kBool, 1},
    {"ByteStorage", DType::kUInt8, 1},
    {"CharStorage", DType::kInt8, 1},
    {"ComplexDoubleStorage", DType::kComplex128, 16},
    {"ComplexFloatStorage", DType::kComplex64, 8},
    {"DoubleStorage", DType::kFloat64, 8},
    {"FloatStorage", DType::kFloat32, 4},
    {"HalfStorage", DType::kFloat16, 2},
    {"IntStorage", DType::kInt32, 4},
    {"LongStorage", DType::kInt64, 8},
    {"QInt32Storage", std::nullopt, 4},
    {"QInt8Storage", std::nullopt, 1},
    {"QUInt8Storage", std::nullopt, 1},
    {"ShortStorage", DType::kInt16, 2},
    {"UntypedStorage", std::nullopt, 1},
};

}  // namespace

const Global* find_global(std::string_view module, std::string_view name) {
  const auto* const found = std::find_if(
      std::begin(kGlobals), std::end(kGlobals),
      [&](const Global& entry) { return entry.name == name && entry.module == module; });
  return found == std::end(kGlobals) ? nullptr : found;
}

std::string to_string(const Global& global) {
  return std::string(global.module) + "." + std::string(global.name);
}

namespace {

StorageType storage_named(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kStorages), std::end(kStorages),
                   [&](const NamedStorage& entry) { return entry.name == name; });
  WAKEBUILDER_EXPECT(found != std::end(kStorages));
  return {found->dtype, found->item_size, found->name};
}

}  // namespace

StorageType storage_type(const Global& global) {
  WAKEBUILDER_EXPECT(global.kind == kStorageType);
  return storage_named(global.name);
}

StorageType storage_type_of_tensor(const Global& global) {
  WAKEBUILDER_EXPECT(global.kind == kTensorType);
  const auto stem = global.name.substr(0, global.name.size() - std::string_view("Tensor").size());
  return storage_named(std::string(stem) + "Storage");
}

}  // namespace wakebuilder::checkpoint
