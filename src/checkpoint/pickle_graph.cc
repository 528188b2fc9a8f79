#include "checkpoint/pickle_graph.h"

#include <iterator>

#include "checkpoint/limits.h"

namespace wakebuilder::checkpoint {

Result<void> charge(PickleGraph& graph, std::size_t bytes) {
  graph.made_bytes += bytes;
  if (graph.made_bytes <= kMaxMadeBytes) return {};
  return fail(ErrorCode::kCorrupt, "it makes more than " + std::to_string(kMaxMadeBytes) +
                                       " bytes out of shared objects");
}

std::string_view type_name(const Node& node) {
  constexpr std::string_view kNames[] = {
      "None",        "bool",    "int",   "float",
      "str",         "bytes",   "int",   "tensor without dense data",
      "list",        "tuple",   "dict",  "name",
      "numpy.dtype", "storage", "tensor"};
  static_assert(std::size(kNames) == std::variant_size_v<Node>);
  return kNames[node.index()];
}

}  // namespace wakebuilder::checkpoint
