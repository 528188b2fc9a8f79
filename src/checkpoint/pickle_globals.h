// The names that a pickle may use. Everything else is refused, whether it is called or only named.
#pragma once

#include <string>
#include <string_view>

#include "checkpoint/pickle_graph.h"

namespace wakebuilder::checkpoint {

/// What a name stands for here. None of them is code: each call is a case in pickle_calls.cc.
enum class GlobalKind {
  kOrderedDict,
  kStorageType,
  kTensorType,  ///< torch.FloatTensor: only in the entries of a tar archive
  kRebuildTensor,
  kRebuildTensorV2,
  kRebuildTensorV3,
  kRebuildParameter,
  kRebuildParameterWithState,
  kRebuildSparse,
  kRebuildQuantized,
  kRebuildMeta,
  kSize,
  kDevice,
  kDType,
  kScheme,  ///< torch.per_tensor_affine and its kin: a constant
  kGetLayout,
  kNumpyScalar,
  kNumpyDType,
  kEncode,
};

struct Global {
  std::string_view module;
  std::string_view name;
  GlobalKind kind;
};

/// The entry of the allow-list, or null.
const Global* find_global(std::string_view module, std::string_view name);

/// "torch._utils._rebuild_tensor_v2"
std::string to_string(const Global& global);

/// The type of storage that "FloatTensor" looks into. @pre a name of kind kTensorType
StorageType storage_type_of_tensor(const Global& global);

/// The type that "FloatStorage" and the like stand for. @pre a name of kind kStorageType
StorageType storage_type(const Global& global);

}  // namespace wakebuilder::checkpoint
