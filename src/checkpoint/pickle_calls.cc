#include "checkpoint/pickle_calls.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "wakebuilder/core/checked.h"
#include "wakebuilder/core/text.h"

#include "checkpoint/limits.h"

namespace wakebuilder::checkpoint {
namespace {

using Arguments = std::span<const NodeId>;

tl::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message));
}

template <class T>
const T* get(const PickleGraph& graph, NodeId id) {
  return std::get_if<T>(&graph.nodes[id]);
}

Result<void> expect_count(const Global& function, Arguments arguments, std::size_t least,
                          std::size_t most) {
  if (arguments.size() >= least && arguments.size() <= most) return {};
  return corrupt(to_string(function) + " is given " + std::to_string(arguments.size()) +
                 " arguments, expected " + std::to_string(least) +
                 (least == most ? "" : " to " + std::to_string(most)));
}

/// An int, and no bool, which Python would take for one.
Result<std::int64_t> integer(const PickleGraph& graph, NodeId id, std::string_view what) {
  if (const auto* value = get<std::int64_t>(graph, id)) return *value;
  const bool is_big = get<core::BigInteger>(graph, id) != nullptr;
  return corrupt(std::string(what) +
                 (is_big ? " is an integer beyond 64 bits" : " is no integer but of type ") +
                 (is_big ? "" : std::string(type_name(graph.nodes[id]))));
}

Result<std::uint64_t> natural(const PickleGraph& graph, NodeId id, std::string_view what) {
  WAKEBUILDER_TRY(const std::int64_t value, integer(graph, id, what));
  if (value < 0) return corrupt(std::string(what) + " is negative: " + std::to_string(value));
  return static_cast<std::uint64_t>(value);
}

Result<core::Shape> integers(const PickleGraph& graph, NodeId id, std::string_view what) {
  const auto* tuple = get<TupleNode>(graph, id);
  if (tuple == nullptr) {
    return corrupt(std::string(what) + " is no tuple but of type " +
                   std::string(type_name(graph.nodes[id])));
  }
  if (tuple->items.size() > kMaxTensorRank) {
    return corrupt(std::string(what) + " has " + std::to_string(tuple->items.size()) +
                   " dimensions, more than " + std::to_string(kMaxTensorRank));
  }
  core::Shape numbers;
  for (const NodeId item : tuple->items) {
    WAKEBUILDER_TRY(const std::uint64_t number, natural(graph, item, what));
    numbers.push_back(static_cast<std::int64_t>(number));
  }
  return numbers;
}

// ---- Tensors -----------------------------------------------------------------------------------

/// A part of a storage in elements of the tensor that looks into it.
struct Window {
  std::size_t storage = 0;
  core::DType dtype = core::DType::kFloat32;
  std::uint64_t first = 0;
  std::uint64_t numel = 0;
};

/// What a tensor may look into. `dtype` is given for untyped storages only (_rebuild_tensor_v3).
Result<Window> open_window(PickleGraph& graph, NodeId id, std::optional<core::DType> dtype) {
  const auto* node = get<StorageNode>(graph, id);
  if (node == nullptr) {
    return corrupt("the storage of a tensor is of type " + std::string(type_name(graph.nodes[id])));
  }
  Storage& storage = graph.storages[node->storage];
  if (!dtype) dtype = storage.type.dtype;
  if (!dtype || (storage.type.dtype && storage.type.dtype != dtype)) {
    return corrupt("a tensor cannot look into a " + std::string(storage.type.name) + " that way");
  }
  if (storage.viewed_as && storage.viewed_as != dtype) {
    return corrupt("storage \"" + storage.key + "\" is seen as two element types, " +
                   std::string(core::to_string(*storage.viewed_as)) + " and " +
                   std::string(core::to_string(*dtype)));
  }
  storage.viewed_as = dtype;
  const std::uint64_t scale = core::item_size(*dtype) / storage.type.item_size;
  if (node->first % scale != 0 || node->numel % scale != 0) {
    return corrupt("storage \"" + storage.key + "\" holds no whole number of " +
                   std::string(core::to_string(*dtype)));
  }
  return Window{node->storage, *dtype, node->first / scale, node->numel / scale};
}

/// One past the last element that a tensor touches, or nothing where that does not fit 64 bits.
std::optional<std::uint64_t> reach(const TensorSpec& spec) {
  std::uint64_t last = spec.offset;
  for (std::size_t i = 0; i < spec.shape.size(); ++i) {
    const auto steps = core::checked_mul(static_cast<std::uint64_t>(spec.shape[i] - 1),
                                         static_cast<std::uint64_t>(spec.strides[i]));
    const auto sum = steps ? core::checked_add(last, *steps) : std::nullopt;
    if (!sum) return std::nullopt;
    last = *sum;
  }
  return core::checked_add(last, 1);
}

/// True when the bytes of the dimensions that are not 0 fit 63 bits, so that no later product can
/// overflow.
bool fits(const TensorSpec& spec) {
  std::optional<std::uint64_t> bytes = core::item_size(spec.dtype);
  for (const std::int64_t size : spec.shape) {
    if (bytes && size != 0) bytes = core::checked_mul(*bytes, static_cast<std::uint64_t>(size));
  }
  return bytes && *bytes <= static_cast<std::uint64_t>(INT64_MAX);
}

Result<void> check_layout(const TensorSpec& spec, std::uint64_t numel) {
  if (spec.strides.size() != spec.shape.size()) {
    return corrupt("it has " + std::to_string(spec.shape.size()) + " dimensions but " +
                   std::to_string(spec.strides.size()) + " strides");
  }
  const auto count = core::element_count(spec.shape);
  if (!count || !fits(spec))
    return corrupt("shape " + core::to_string(spec.shape) + " is too large");
  const auto needed = *count == 0 ? std::optional(spec.offset) : reach(spec);
  if (needed && *needed <= numel) return {};
  return corrupt("shape " + core::to_string(spec.shape) + " with strides " +
                 core::to_string(spec.strides) + " from offset " + std::to_string(spec.offset) +
                 " reaches past the end of a storage of " + std::to_string(numel) + " elements");
}

/// storage, offset, size, stride: what every kind of dense tensor begins with.
Result<Node> rebuild_tensor(PickleGraph& graph, Arguments arguments,
                            std::optional<core::DType> dtype) {
  WAKEBUILDER_TRY(const Window window, open_window(graph, arguments[0], dtype));
  TensorSpec spec{.storage = window.storage, .dtype = window.dtype};
  WAKEBUILDER_TRY(spec.offset, natural(graph, arguments[1], "its storage offset"));
  WAKEBUILDER_TRY(spec.shape, integers(graph, arguments[2], "its size"));
  WAKEBUILDER_TRY(spec.strides, integers(graph, arguments[3], "its stride"));
  WAKEBUILDER_CHECK(check_layout(spec, window.numel));
  spec.offset += window.first;
  graph.tensors.push_back(std::move(spec));
  return TensorNode{graph.tensors.size() - 1};
}

Result<Node> rebuild_tensor_v3(PickleGraph& graph, Arguments arguments) {
  const auto* global = get<const Global*>(graph, arguments[6]);
  if (global == nullptr || (*global)->kind != GlobalKind::kDType) {
    return corrupt("its dtype is of type " + std::string(type_name(graph.nodes[arguments[6]])));
  }
  const auto dtype = core::dtype_named((*global)->name);
  if (!dtype) return core::Opaque{std::string((*global)->name) + " tensor"};
  return rebuild_tensor(graph, arguments, dtype);
}

/// nn.Parameter: the tensor itself.
Result<Node> rebuild_parameter(const PickleGraph& graph, Arguments arguments) {
  const Node& data = graph.nodes[arguments[0]];
  if (const auto* tensor = std::get_if<TensorNode>(&data)) return *tensor;
  if (const auto* opaque = std::get_if<core::Opaque>(&data)) return *opaque;
  return corrupt("the data of a parameter is of type " + std::string(type_name(data)));
}

// ---- NumPy scalars -----------------------------------------------------------------------------

Result<Node> numpy_dtype(const PickleGraph& graph, Arguments arguments) {
  const auto* text = get<std::string_view>(graph, arguments[0]);
  constexpr std::string_view kKnown[] = {"f8", "f4", "f2", "i8", "i4", "i2",
                                         "i1", "u8", "u4", "u2", "u1", "b1"};
  if (text == nullptr ||
      std::find(std::begin(kKnown), std::end(kKnown), *text) == std::end(kKnown)) {
    return fail(ErrorCode::kUnsupported,
                "a numpy.dtype of " +
                    (text == nullptr ? "no text" : "\"" + core::quote(*text, 20) + "\"") +
                    "; only numbers are read");
  }
  return NumpyDType{.kind = (*text)[0], .size = static_cast<std::uint8_t>((*text)[1] - '0')};
}

/// (version, byte order, None, None, None, -1, -1, flags): only plain numbers have three None.
Result<void> set_numpy_state(PickleGraph& graph, NumpyDType& dtype, NodeId state) {
  const auto* tuple = get<TupleNode>(graph, state);
  if (tuple == nullptr || tuple->items.size() < 5)
    return corrupt("the state of a numpy.dtype is no tuple of 8");
  const auto* order = get<std::string_view>(graph, tuple->items[1]);
  const bool plain =
      std::all_of(tuple->items.begin() + 2, tuple->items.begin() + 5,
                  [&](NodeId item) { return get<std::monostate>(graph, item) != nullptr; });
  if (order == nullptr || order->size() != 1 || order->find_first_of("<>|=") != 0 || !plain) {
    return corrupt("the state of a numpy.dtype is not that of a plain number");
  }
  dtype.big_endian = *order == ">";
  return {};
}

template <class T>
T number_of(std::uint64_t bits) {
  T value{};
  std::memcpy(&value, &bits, sizeof(T));  // little-endian: the low bytes come first
  return value;
}

Node float_of(const NumpyDType& dtype, std::uint64_t bits) {
  if (dtype.size == 8) return number_of<double>(bits);
  if (dtype.size == 4) return static_cast<double>(number_of<float>(bits));
  return static_cast<double>(core::float16_to_float(number_of<std::uint16_t>(bits)));
}

Node integer_of(const NumpyDType& dtype, std::uint64_t bits) {
  const unsigned shift = 64U - 8U * dtype.size;
  if (dtype.kind == 'i') return static_cast<std::int64_t>(bits << shift) >> shift;
  if (bits > static_cast<std::uint64_t>(INT64_MAX)) return core::BigInteger{std::to_string(bits)};
  return static_cast<std::int64_t>(bits);
}

Result<Node> numpy_scalar(const PickleGraph& graph, Arguments arguments) {
  const auto* dtype = get<NumpyDType>(graph, arguments[0]);
  const auto* data = get<core::Bytes>(graph, arguments[1]);
  if (dtype == nullptr || data == nullptr)
    return corrupt("a numpy scalar is not made of a dtype and bytes");
  if (data->data.size() != dtype->size) {
    return corrupt("a numpy scalar of " + std::to_string(dtype->size) + " bytes is given " +
                   std::to_string(data->data.size()));
  }
  std::string ordered = data->data;
  if (dtype->big_endian) std::reverse(ordered.begin(), ordered.end());
  std::uint64_t bits = 0;
  std::memcpy(&bits, ordered.data(), ordered.size());
  if (dtype->kind == 'b') return bits != 0;
  return dtype->kind == 'f' ? float_of(*dtype, bits) : integer_of(*dtype, bits);
}

// ---- The rest ----------------------------------------------------------------------------------

/// _codecs.encode(text, 'latin1'), which is how protocol 2 spells bytes.
Result<Node> encode(PickleGraph& graph, Arguments arguments) {
  const auto* text = get<std::string_view>(graph, arguments[0]);
  const auto* codec = get<std::string_view>(graph, arguments[1]);
  if (text == nullptr || codec == nullptr || (*codec != "latin1" && *codec != "latin-1")) {
    return fail(ErrorCode::kUnsupported, "_codecs.encode is read with the codec latin1 only");
  }
  WAKEBUILDER_CHECK(charge(graph, text->size()));
  std::string bytes;
  bytes.reserve(text->size());
  for (std::size_t i = 0; i < text->size(); ++i) {  // the text is well-formed UTF-8
    auto code = static_cast<unsigned char>((*text)[i]);
    if (code >= 0xc4) return corrupt("_codecs.encode is given a character that latin1 lacks");
    if (code >= 0x80) {
      const auto next = static_cast<unsigned char>((*text)[++i]);
      code = static_cast<unsigned char>(((code & 0x03U) << 6U) | (next & 0x3fU));
    }
    bytes.push_back(static_cast<char>(code));
  }
  return core::Bytes{std::move(bytes)};
}

/// OrderedDict(), or of a list of pairs as Python 2 wrote it.
Result<Node> ordered_dict(PickleGraph& graph, Arguments arguments) {
  DictNode dict{.items = {}, .ordered = true};
  if (arguments.empty()) return dict;
  const auto* pairs = get<ListNode>(graph, arguments[0]);
  if (pairs == nullptr) return corrupt("an OrderedDict is not made of a list of pairs");
  WAKEBUILDER_CHECK(charge(graph, pairs->items.size() * sizeof(dict.items[0])));
  for (const NodeId id : pairs->items) {
    const auto* list = get<ListNode>(graph, id);
    const auto* tuple = get<TupleNode>(graph, id);
    const auto* items =
        list != nullptr ? &list->items : (tuple != nullptr ? &tuple->items : nullptr);
    if (items == nullptr || items->size() != 2)
      return corrupt("an OrderedDict is not made of a list of pairs");
    dict.items.emplace_back((*items)[0], (*items)[1]);
  }
  return dict;
}

Result<Node> size(const PickleGraph& graph, Arguments arguments) {
  WAKEBUILDER_TRY(const core::Shape checked, integers(graph, arguments[0], "a torch.Size"));
  return *get<TupleNode>(graph, arguments[0]);
}

Result<Node> named(const PickleGraph& graph, Arguments arguments, std::string_view what) {
  const auto* text = get<std::string_view>(graph, arguments[0]);
  if (text == nullptr) return corrupt("a " + std::string(what) + " without name");
  return core::Opaque{std::string(what) + " " + core::quote(text->substr(0, 40))};
}

struct Arity {
  std::size_t least;
  std::size_t most;
};

Arity arity_of(GlobalKind kind) {
  using enum GlobalKind;
  switch (kind) {
    case kOrderedDict:
      return {0, 1};
    case kRebuildTensor:
      return {4, 4};
    case kRebuildTensorV2:
      return {6, 7};
    case kRebuildTensorV3:
      return {7, 8};
    case kRebuildParameter:
      return {3, 3};
    case kRebuildParameterWithState:
      return {4, 4};
    case kRebuildSparse:
      return {2, 2};
    case kRebuildQuantized:
      return {7, 7};
    case kRebuildMeta:
      return {4, 4};
    case kSize:
      return {1, 1};
    case kDevice:
      return {1, 2};
    case kGetLayout:
      return {1, 1};
    case kNumpyScalar:
      return {2, 2};
    case kNumpyDType:
      return {1, 3};
    case kEncode:
      return {2, 2};
    case kStorageType:
    case kTensorType:
    case kDType:
    case kScheme:
      break;
  }
  return {1, 0};  // a constant: nothing fits
}

Result<Node> call_checked(PickleGraph& graph, const Global& function, Arguments arguments) {
  using enum GlobalKind;
  switch (function.kind) {
    case kOrderedDict:
      return ordered_dict(graph, arguments);
    case kRebuildTensor:
    case kRebuildTensorV2:
      return rebuild_tensor(graph, arguments, std::nullopt);
    case kRebuildTensorV3:
      return rebuild_tensor_v3(graph, arguments);
    case kRebuildParameter:
    case kRebuildParameterWithState:
      return rebuild_parameter(graph, arguments);
    case kRebuildSparse:
      return core::Opaque{"sparse tensor"};
    case kRebuildQuantized:
      return core::Opaque{"quantised tensor"};
    case kRebuildMeta:
      return core::Opaque{"tensor that has no data (meta device)"};
    case kSize:
      return size(graph, arguments);
    case kDevice:
      return named(graph, arguments, "torch.device");
    case kGetLayout:
      return named(graph, arguments, "layout");
    case kNumpyScalar:
      return numpy_scalar(graph, arguments);
    case kNumpyDType:
      return numpy_dtype(graph, arguments);
    case kEncode:
      return encode(graph, arguments);
    case kStorageType:
    case kTensorType:
    case kDType:
    case kScheme:
      break;
  }
  return corrupt(to_string(function) + " is called, but it is no function");
}

bool makes_tensor(GlobalKind kind) {
  return kind >= GlobalKind::kRebuildTensor && kind <= GlobalKind::kRebuildMeta;
}

// ---- Storages ----------------------------------------------------------------------------------

/// Keys are names of records, and nothing else may become one.
bool is_plain_key(std::string_view key) {
  return !key.empty() && key.size() <= 64 && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
  });
}

Result<Storage> describe_storage(const PickleGraph& graph, const std::vector<NodeId>& id) {
  const auto* tag = get<std::string_view>(graph, id[0]);
  if (tag == nullptr || *tag != "storage") return corrupt("a persistent id that is no storage");
  const auto* type = get<const Global*>(graph, id[1]);
  if (type == nullptr || (*type)->kind != GlobalKind::kStorageType) {
    return corrupt("the type of a storage is of type " +
                   std::string(type_name(graph.nodes[id[1]])));
  }
  const auto* key = get<std::string_view>(graph, id[2]);
  if (key == nullptr || !is_plain_key(*key)) {
    return corrupt(
        "the key of a storage is " +
        (key == nullptr ? "no text" : "\"" + core::quote(*key) + "\", which is no plain name"));
  }
  if (get<std::string_view>(graph, id[3]) == nullptr)
    return corrupt("the device of a storage is no text");
  Storage storage{.key = std::string(*key), .type = storage_type(**type)};
  WAKEBUILDER_TRY(storage.numel,
                  natural(graph, id[4], "the size of storage \"" + storage.key + "\""));
  const auto bytes = core::checked_mul(storage.numel, storage.type.item_size);
  if (!bytes || *bytes > static_cast<std::uint64_t>(INT64_MAX)) {
    return corrupt("storage \"" + storage.key + "\" is said to hold " +
                   std::to_string(storage.numel) + " elements");
  }
  return storage;
}

/// A legacy view: (key, first element, numel) of the storage.
Result<void> narrow(const PickleGraph& graph, const Storage& storage, NodeId view,
                    StorageNode& node) {
  if (get<std::monostate>(graph, view) != nullptr) return {};
  const auto* tuple = get<TupleNode>(graph, view);
  if (tuple == nullptr || tuple->items.size() != 3)
    return corrupt("a storage view is no tuple of three");
  WAKEBUILDER_TRY(node.first, natural(graph, tuple->items[1], "the start of a storage view"));
  WAKEBUILDER_TRY(node.numel, natural(graph, tuple->items[2], "the size of a storage view"));
  if (node.first <= storage.numel && node.numel <= storage.numel - node.first) return {};
  return corrupt("a view of " + std::to_string(node.numel) + " elements from " +
                 std::to_string(node.first) + " reaches past the end of storage \"" + storage.key +
                 "\" of " + std::to_string(storage.numel));
}

}  // namespace

Result<Node> call(PickleGraph& graph, const Global& function, std::span<const NodeId> arguments,
                  std::string_view tensor_name) {
  const Arity arity = arity_of(function.kind);
  if (arity.least <= arity.most) {
    WAKEBUILDER_CHECK(expect_count(function, arguments, arity.least, arity.most));
  }
  auto result = call_checked(graph, function, arguments);
  if (result || !makes_tensor(function.kind) || tensor_name.empty()) return result;
  return fail_in("tensor " + core::quote(tensor_name), std::move(result).error());
}

Result<std::size_t> add_tensor(PickleGraph& graph, const StorageNode& part, TensorSpec spec) {
  Storage& storage = graph.storages[part.storage];
  spec.storage = part.storage;
  spec.dtype = *storage.type.dtype;
  storage.viewed_as = spec.dtype;
  WAKEBUILDER_CHECK(check_layout(spec, part.numel));
  spec.offset += part.first;
  graph.tensors.push_back(std::move(spec));
  return graph.tensors.size() - 1;
}

Result<StorageNode> find_storage(PickleGraph& graph, StorageKeys& keys, NodeId persistent_id,
                                 PersistentIds ids) {
  const auto* tuple = get<TupleNode>(graph, persistent_id);
  const bool legacy = ids == PersistentIds::kLegacy;
  if (tuple == nullptr || tuple->items.size() < 5 || tuple->items.size() > (legacy ? 6 : 5)) {
    return corrupt("a persistent id that is no storage");
  }
  WAKEBUILDER_TRY(Storage storage, describe_storage(graph, tuple->items));
  const auto [found, is_new] = keys.emplace(storage.key, graph.storages.size());
  if (is_new) graph.storages.push_back(storage);
  const Storage& known = graph.storages[found->second];
  if (known.type.name != storage.type.name || known.numel != storage.numel) {
    return corrupt("storage \"" + storage.key +
                   "\" is described in two ways: " + std::to_string(known.numel) + " elements of " +
                   std::string(known.type.name) + ", and " + std::to_string(storage.numel) +
                   " of " + std::string(storage.type.name));
  }
  StorageNode node{.storage = found->second, .first = 0, .numel = known.numel};
  if (tuple->items.size() == 6) WAKEBUILDER_CHECK(narrow(graph, known, tuple->items[5], node));
  return node;
}

Result<void> set_state(PickleGraph& graph, NodeId object, NodeId state) {
  Node& node = graph.nodes[object];
  if (auto* dtype = std::get_if<NumpyDType>(&node)) return set_numpy_state(graph, *dtype, state);
  const auto* dict = std::get_if<DictNode>(&node);
  if (dict != nullptr && dict->ordered && get<DictNode>(graph, state) != nullptr) return {};
  return corrupt("attributes are set on an object of type " + std::string(type_name(node)));
}

}  // namespace wakebuilder::checkpoint
