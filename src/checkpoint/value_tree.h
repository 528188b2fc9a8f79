// Turns the graph of a pickle into a tree of values.
#pragma once

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"

#include "checkpoint/pickle_graph.h"
#include "checkpoint/tensor_reader.h"

namespace wakebuilder::checkpoint {

/// The root of `graph` as a value. What the pickle shares is copied here (but for the data of
/// tensors), so the size of the tree is bounded, and an object that contains itself is refused.
/// Errors: kCorrupt, "KEY.KEY: ..." with the path to the place; those of `tensors`.
Result<core::Value> value_tree(const PickleGraph& graph, TensorReader& tensors);

}  // namespace wakebuilder::checkpoint
