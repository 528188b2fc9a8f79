#include "checkpoint/value_tree.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "wakebuilder/core/text.h"

#include "checkpoint/limits.h"
#include "checkpoint/pickle_globals.h"

namespace wakebuilder::checkpoint {
namespace {

using core::Value;

tl::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message));
}

class TreeBuilder {
 public:
  TreeBuilder(const PickleGraph& graph, TensorReader& tensors)
      : graph_(graph), tensors_(tensors), open_(graph.nodes.size()) {}

  Result<Value> build(NodeId id) {
    return std::visit([&](const auto& node) { return make(id, node); }, graph_.nodes[id]);
  }

  /// Where the builder stands, "model_state_dict.conv.weight".
  std::string path() const {
    constexpr std::size_t kShown = 8;
    std::string text;
    for (std::size_t i = 0; i < path_.size() && i < kShown; ++i)
      text += (i == 0 ? "" : ".") + path_[i];
    return text + (path_.size() > kShown ? "..." : "");
  }

 private:
  Result<Value> make(NodeId, std::monostate) { return Value(); }
  Result<Value> make(NodeId, bool value) { return Value(value); }
  Result<Value> make(NodeId, std::int64_t value) { return Value(value); }
  Result<Value> make(NodeId, double value) { return Value(value); }
  Result<Value> make(NodeId, std::string_view value) { return charged(value.size(), value); }
  Result<Value> make(NodeId, const core::Bytes& value) { return charged(value.data.size(), value); }
  Result<Value> make(NodeId, const core::BigInteger& value) {
    return charged(value.digits.size(), value);
  }
  Result<Value> make(NodeId, const core::Opaque& value) {
    return charged(value.what.size(), value);
  }
  Result<Value> make(NodeId, const NumpyDType&) { return Value(core::Opaque{"numpy.dtype"}); }
  Result<Value> make(NodeId, const StorageNode&) { return Value(core::Opaque{"storage"}); }

  Result<Value> make(NodeId, const Global* global) {
    if (global->kind == GlobalKind::kDType || global->kind == GlobalKind::kScheme) {
      return Value(core::Opaque{to_string(*global)});
    }
    return fail(ErrorCode::kUnsupported, to_string(*global) + " stands where a value should");
  }

  Result<Value> make(NodeId, const TensorNode& node) {
    const core::Shape& shape = graph_.tensors[node.tensor].shape;
    WAKEBUILDER_CHECK(charge(shape.size() * sizeof(shape[0])));
    WAKEBUILDER_TRY(core::Tensor tensor, tensors_.read(node.tensor));
    return Value(std::move(tensor));
  }

  Result<Value> make(NodeId id, const ListNode& node) {
    WAKEBUILDER_TRY(core::List items, build_items(id, node.items));
    return Value(std::move(items));
  }

  Result<Value> make(NodeId id, const TupleNode& node) {
    WAKEBUILDER_TRY(core::List items, build_items(id, node.items));
    return Value(core::Tuple{std::move(items)});
  }

  Result<Value> make(NodeId id, const DictNode& node) {
    WAKEBUILDER_CHECK(enter(id));
    WAKEBUILDER_CHECK(check_keys(node));
    core::Dict dict;
    WAKEBUILDER_CHECK(reserve(dict, node.items.size()));
    for (const auto& [key_id, value_id] : node.items) {
      path_.push_back(shown_key(key_id));
      WAKEBUILDER_TRY(Value key, build(key_id));
      WAKEBUILDER_TRY(Value value, build(value_id));
      dict.emplace_back(std::move(key), std::move(value));
      path_.pop_back();
    }
    open_[id] = false;
    return Value(std::move(dict));
  }

  Result<core::List> build_items(NodeId id, const std::vector<NodeId>& ids) {
    WAKEBUILDER_CHECK(enter(id));
    core::List items;
    WAKEBUILDER_CHECK(reserve(items, ids.size()));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      path_.push_back(std::to_string(i));
      WAKEBUILDER_TRY(Value item, build(ids[i]));
      items.push_back(std::move(item));
      path_.pop_back();
    }
    open_[id] = false;
    return items;
  }

  /// A container is open while its parts are built; to meet it again then is a cycle.
  Result<void> enter(NodeId id) {
    if (open_[id]) return corrupt("it contains itself");
    if (path_.size() >= kMaxDepth)
      return corrupt("it is nested deeper than " + std::to_string(kMaxDepth) + " levels");
    open_[id] = true;
    return {};
  }

  /// Python's dicts have no key twice, so a pickle that has one was made by hand.
  Result<void> check_keys(const DictNode& node) const {
    std::unordered_set<std::string_view> texts;
    std::unordered_set<std::int64_t> numbers;
    for (const auto& item : node.items) {
      const Node& key = graph_.nodes[item.first];
      const auto* text = std::get_if<std::string_view>(&key);
      const auto* number = std::get_if<std::int64_t>(&key);
      if (!is_hashable(key, 0)) return corrupt("a key is of type " + std::string(type_name(key)));
      if (text != nullptr && text->find('\0') != std::string_view::npos) {
        return corrupt("the key \"" + shown_key(item.first) + "\" holds a NUL character");
      }
      if ((text != nullptr && !texts.insert(*text).second) ||
          (number != nullptr && !numbers.insert(*number).second)) {
        return corrupt("the key \"" + shown_key(item.first) + "\" is given twice");
      }
    }
    return {};
  }

  bool is_hashable(const Node& node, std::size_t depth) const {
    const auto* tuple = std::get_if<TupleNode>(&node);
    if (tuple == nullptr) {
      constexpr std::size_t kLastPlain =
          6;  // None, bool, int, float, str, bytes, int beyond 64 bits
      return node.index() <= kLastPlain;
    }
    if (depth > 2) return false;
    for (const NodeId item : tuple->items) {
      if (!is_hashable(graph_.nodes[item], depth + 1)) return false;
    }
    return true;
  }

  std::string shown_key(NodeId id) const {
    if (const auto* text = std::get_if<std::string_view>(&graph_.nodes[id])) {
      return core::quote(text->substr(0, 200));
    }
    const auto* number = std::get_if<std::int64_t>(&graph_.nodes[id]);
    return number != nullptr ? std::to_string(*number) : "?";
  }

  template <class Container>
  Result<void> reserve(Container& container, std::size_t count) {
    WAKEBUILDER_CHECK(charge(count * sizeof(typename Container::value_type)));
    container.reserve(count);
    return {};
  }

  template <class T>
  Result<Value> charged(std::size_t size, const T& value) {
    WAKEBUILDER_CHECK(charge(size));
    return Value(value);
  }

  Result<void> charge(std::size_t bytes) {
    if (bytes > left_) {
      return corrupt("its values would take more than " + std::to_string(kMaxTreeBytes) +
                     " bytes of memory");
    }
    left_ -= bytes;
    return {};
  }

  const PickleGraph& graph_;
  TensorReader& tensors_;
  std::vector<bool> open_;
  std::vector<std::string> path_;
  std::size_t left_ = kMaxTreeBytes;
};

}  // namespace

Result<Value> value_tree(const PickleGraph& graph, TensorReader& tensors) {
  TreeBuilder builder(graph, tensors);
  auto root = builder.build(graph.root);
  if (root) return root;
  const std::string path = builder.path();
  return path.empty() ? fail(std::move(root).error()) : fail_in(path, std::move(root).error());
}

}  // namespace wakebuilder::checkpoint
