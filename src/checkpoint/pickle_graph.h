// What a pickle builds: nodes that refer to each other by number.
//
// Pickles share objects (a list may appear in many places, even in itself). Numbers instead of
// owners keep that as cheap as it is in the file, and make cycles harmless until value_tree.h
// refuses them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "wakebuilder/core/dtype.h"
#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/core/value.h"

namespace wakebuilder::checkpoint {

struct Global;

/// Which persistent ids (storages) a pickle may hold.
enum class PersistentIds {
  kNone,       ///< the small pickles around a legacy object
  kZip,        ///< ('storage', type, key, location, numel)
  kLegacy,     ///< the same and a view: None or (key, first element, numel)
  kTarEntry,   ///< none, in the entries of a tar archive, which may name types of tensors
  kTarObject,  ///< the key of a tensor of the archive, as text
};

/// The storages of a graph by key.
using StorageKeys = std::unordered_map<std::string, std::size_t>;

/// Position of a node in its graph.
using NodeId = std::uint32_t;

struct ListNode {
  std::vector<NodeId> items;
};

struct TupleNode {
  std::vector<NodeId> items;
};

struct DictNode {
  std::vector<std::pair<NodeId, NodeId>> items;
  bool ordered = false;  ///< a collections.OrderedDict, which may carry attributes
};

/// A numpy.dtype: 'f', 'i', 'u' or 'b', and its bytes.
struct NumpyDType {
  char kind = 'f';
  std::uint8_t size = 8;
  bool big_endian = false;
};

/// A storage, or within a legacy file a part of one.
struct StorageNode {
  std::size_t storage = 0;  ///< into PickleGraph::storages
  std::uint64_t first = 0;  ///< element
  std::uint64_t numel = 0;
};

/// A dense tensor that is still described, not read: into PickleGraph::tensors.
struct TensorNode {
  std::size_t tensor = 0;
};

/// Text lies in the pickle's bytes; what was computed is owned.
using Node = std::variant<std::monostate, bool, std::int64_t, double, std::string_view, core::Bytes,
                          core::BigInteger, core::Opaque, ListNode, TupleNode, DictNode,
                          const Global*, NumpyDType, StorageNode, TensorNode>;

/// The element type of a storage. Untyped storages count bytes; quantised ones have no core::DType.
struct StorageType {
  std::optional<core::DType> dtype;
  std::uint64_t item_size = 1;
  std::string_view name;  ///< "FloatStorage"
};

/// A run of numbers in a file, as the pickle describes it.
struct Storage {
  std::string key;
  StorageType type;
  std::uint64_t numel = 0;  ///< in items of `type`; times its size fits 63 bits
  std::optional<core::DType>
      viewed_as{};  ///< the one element type of the tensors that look into it
};

/// A tensor whose shape, strides and offset have been checked against its storage.
struct TensorSpec {
  std::size_t storage = 0;
  core::DType dtype = core::DType::kFloat32;
  std::uint64_t offset = 0;  ///< elements of dtype from the start of the storage
  core::Shape shape{};
  core::Shape strides{};  ///< in elements
};

/// All that one pickle built.
struct PickleGraph {
  std::deque<Node> nodes;
  std::vector<Storage> storages;
  std::vector<TensorSpec> tensors;
  NodeId root = 0;
  std::size_t made_bytes = 0;  ///< see charge()
};

/// Counts bytes that a pickle makes beyond its own, up to kMaxMadeBytes: calls copy what the memo
/// shares, so a short pickle could ask for any amount. Errors: kCorrupt.
Result<void> charge(PickleGraph& graph, std::size_t bytes);

/// Python's name of a node: "dict", "str", "tensor".
std::string_view type_name(const Node& node);

}  // namespace wakebuilder::checkpoint
