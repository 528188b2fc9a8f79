// Checks tensors: element type, shape, and exactly the data they ask for.
#pragma once

#include <string>

#include "onnx/check_context.h"

namespace wakebuilder::onnx {

/// @param where  for the findings
void check_tensor(CheckContext& context, const std::string& where, const TensorProto& tensor);

void check_sparse_tensor(CheckContext& context, const std::string& where,
                         const SparseTensorProto& tensor);

}  // namespace wakebuilder::onnx
