// The spellings of the AST's weights.
#pragma once

#include <string>
#include <vector>

#include "wakebuilder/model/classifier.h"

namespace wakebuilder::model {

/// The tensors under the names that save_pretrained writes, whatever spelling they have; a fused
/// query-key-value is split into views. Names that are unknown stay as they are.
NamedTensors with_ast_file_names(const NamedTensors& tensors);

}  // namespace wakebuilder::model
