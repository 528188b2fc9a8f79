// What the allowed calls of a pickle give.
#pragma once

#include <span>
#include <string_view>

#include "wakebuilder/core/result.h"

#include "checkpoint/pickle_globals.h"
#include "checkpoint/pickle_graph.h"

namespace wakebuilder::checkpoint {

/// The node that `function(*arguments)` stands for; tensors are entered into `graph.tensors`.
/// @param tensor_name  the dict key that waits for the result: for error sentences
/// Errors: kCorrupt for arguments that do not fit; kUnsupported for kinds that are not read.
Result<Node> call(PickleGraph& graph, const Global& function, std::span<const NodeId> arguments,
                  std::string_view tensor_name);

/// Enters a tensor over a part of a storage into `graph.tensors`, once shape, strides and offset of
/// `spec` have been checked against it. Gives its index. @pre the storage has a dtype
Result<std::size_t> add_tensor(PickleGraph& graph, const StorageNode& part, TensorSpec spec);

/// The storage of a persistent id. The same key must mean the same storage each time.
Result<StorageNode> find_storage(PickleGraph& graph, StorageKeys& keys, NodeId persistent_id,
                                 PersistentIds ids);

/// BUILD: the state of an OrderedDict is dropped, that of a numpy.dtype sets its byte order.
Result<void> set_state(PickleGraph& graph, NodeId object, NodeId state);

}  // namespace wakebuilder::checkpoint
